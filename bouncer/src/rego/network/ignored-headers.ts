/** `cache_ignored_headers` of `http.send`: headers that make no other request of it. Pure. */
import { isArray, RegoObject } from "../value.ts";
import { HttpFailure } from "./failure.ts";

/** Throws an HttpFailure. */
export function checkIgnoredHeaders(request: RegoObject): void {
  const ignored = request.get("cache_ignored_headers");
  if (ignored === undefined || !request.has("headers")) return;
  if (isArray(ignored) && ignored.every((name) => typeof name === "string")) return;
  throw new HttpFailure("internal", "cache_ignored_headers must be an array of strings");
}

/** The request that stands for all that differ only in ignored headers. */
export function withoutIgnoredHeaders(request: RegoObject): RegoObject {
  const [ignored, headers] = [request.get("cache_ignored_headers"), request.get("headers")];
  const members: RegoObject = new RegoObject([...request, ["cache_ignored_headers", null]]);
  if (ignored === undefined || !isArray(ignored) || !(headers instanceof RegoObject)) {
    return members;
  }
  const kept = [...headers].filter(([name]) => !ignored.includes(name));
  return new RegoObject([...members, ["headers", new RegoObject(kept)]]);
}
