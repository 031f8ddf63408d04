/**
 * Requests to the API server as plain JSON, for lists that may be large and for the little that is
 * written. The generated client makes a new connection for each call and copies each object field
 * by field; here connections are kept and callers pick what they need.
 */
import { ApiException, HttpMethod, PatchStrategy, RequestContext } from "@kubernetes/client-node";
import type { KubeConfig } from "@kubernetes/client-node";
import { request as send } from "undici";
import type { Dispatcher } from "undici";

export interface ApiRequest {
  /** PATCH is a merge patch (RFC 7386). */
  readonly method: "GET" | "POST" | "PATCH";
  /** `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly body?: object;
}

/** Resolves to the JSON of the answer; rejects with an ApiException for a status from 400 on. */
export type AskApi = (request: ApiRequest) => Promise<unknown>;

const timeoutMs = 10_000;

export function createAskApi(kubeConfig: KubeConfig): AskApi {
  let kept: Dispatcher | undefined;

  return async ({ method, path, query = {}, accept = "application/json", body }) => {
    const url = new URL(`${kubeConfig.getCurrentCluster()?.server ?? ""}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const context = new RequestContext(url.href, HttpMethod.GET);
    // The token is read again for each request, since it is replaced every hour.
    await kubeConfig.applySecurityAuthentication(context);
    kept ??= context.getDispatcher();
    const dispatcher = kept;
    const answer = await send(url, {
      method,
      headers: { ...context.getHeaders(), accept, "content-type": contentType(method) },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    }).catch((error: unknown) => {
      // Perhaps the API server's authority is another one now: the next request reads it again.
      kept = undefined;
      throw error;
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) {
      throw new ApiException(answer.statusCode, "refused", text, {});
    }
    const parsed: unknown = JSON.parse(text);
    return parsed;
  };
}

function contentType(method: ApiRequest["method"]): string {
  return method === "PATCH" ? PatchStrategy.MergePatch : "application/json";
}
