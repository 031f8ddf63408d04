/** Whatever the API client throws, with our code and without the object that was sent. */
import { ApiException } from "@kubernetes/client-node";
import { InjectorError, messageOf } from "../errors.ts";

/** HTTP status of the API server's answer; null when there was none. */
export function statusOf(error: unknown): number | null {
  return error instanceof ApiException ? error.code : null;
}

/** `action` completes "Cannot ...". */
export function apiFailure(action: string, error: unknown): InjectorError {
  return new InjectorError("api_failed", `Cannot ${action}: ${detailOf(error)}`, error);
}

/** The API server's own message; the client's has the whole answer in it, headers included. */
function detailOf(error: unknown): string {
  if (!(error instanceof ApiException)) return messageOf(error);
  const body: unknown = error.body;
  const message =
    typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
  return typeof message === "string" ? message : `HTTP ${error.code}`;
}
