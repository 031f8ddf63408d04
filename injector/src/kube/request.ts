/**
 * Requests to the API server as plain JSON. Connections are kept, and callers pick what they need of
 * the answer.
 */
import { request as send } from "undici";
import type { Dispatcher } from "undici";
import type { ApiServer } from "./api-server.ts";
import { ApiStatusError } from "./failure.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** What the body of a PATCH is: `merge` (RFC 7386) if not said otherwise, or `json` (RFC 6902). */
  readonly patch?: "merge" | "json";
  readonly body?: object;
  /** For the whole answer; 10 seconds if not said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Resolves to the JSON of the answer; rejects with an ApiStatusError for a status from 400 on. */
export type AskApi = (request: ApiRequest) => Promise<unknown>;

const defaultTimeoutMs = 10_000;
/** How the API server's audit log names who asks. */
const userAgent = "bouncer-injector";

export function createAskApi(server: ApiServer): AskApi {
  return async (request) => {
    const timeout = AbortSignal.timeout(request.timeoutMs ?? defaultTimeoutMs);
    const signals = request.signal === undefined ? [timeout] : [timeout, request.signal];
    const answer = await openApi(server, request, AbortSignal.any(signals));
    const text = await answer.body.text();
    const parsed: unknown = JSON.parse(text);
    return parsed;
  };
}

/** The answer while it comes, for those that never end: only `signal` ends the wait for more. */
export async function openApi(
  server: ApiServer,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { method, path, query = {}, accept = "application/json", body } = request;
  const url = new URL(`${server.url}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const { headers, dispatcher } = await server.access();
  const answer = await send(url, {
    method,
    headers: { ...headers, accept, "user-agent": userAgent, "content-type": contentType(request) },
    signal,
    bodyTimeout: 0,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  }).catch((error: unknown) => {
    server.connectionFailed(dispatcher);
    throw error;
  });
  if (answer.statusCode < 400) return answer;
  throw new ApiStatusError(answer.statusCode, await answer.body.text());
}

function contentType({ method, patch = "merge" }: ApiRequest): string {
  return method === "PATCH" ? `application/${patch}-patch+json` : "application/json";
}
