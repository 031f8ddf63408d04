/**
 * Requests to a port of a pod by way of the API server (`pods/NAME:PORT/proxy`): they come from
 * outside of the pod and need no route from here to there. Never rejects: that the way is closed is
 * an answer, too.
 */
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import type { KubeConfig } from "@kubernetes/client-node";
import { request as send } from "undici";
import { messageOf } from "../../errors.ts";
import { type ProxyAnswer, readProxyAnswer } from "./answers.ts";

export interface PodPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** It speaks TLS; the API server looks at no certificate of a pod. */
  readonly tls?: boolean;
}

/** `path` without its leading slash; it is sent as it is, so it has to be encoded already. */
export type AskPod = (to: PodPort, path: string) => Promise<ProxyAnswer>;

/** The API server waits for the pod, and the pod for its probes, one after the other. */
const timeoutMs = 30_000;
/** An application may answer with anything. */
const maxBodyBytes = 1024 * 1024;

export function createAskPod(kubeConfig: KubeConfig, userAgent: string): AskPod {
  const server = kubeConfig.getCurrentCluster()?.server ?? "";
  return async ({ namespace, name, port, tls = false }, path) => {
    const scheme = tls ? "https:" : "";
    const pod = `/api/v1/namespaces/${namespace}/pods/${scheme}${name}:${port}`;
    const url = `${server}${pod}/proxy/${path}`;
    try {
      const context = new RequestContext(url, HttpMethod.GET);
      await kubeConfig.applySecurityAuthentication(context);
      const dispatcher = context.getDispatcher();
      const answer = await send(url, {
        method: "GET",
        headers: { ...context.getHeaders(), "user-agent": userAgent },
        signal: AbortSignal.timeout(timeoutMs),
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      return readProxyAnswer(
        answer.statusCode,
        flatten(answer.headers),
        await readBody(answer.body),
      );
    } catch (error) {
      return { kind: "failed", message: messageOf(error) };
    }
  };
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(value ?? "")]),
  );
}

/** The start of it is enough: what is longer is not ours. */
async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxBodyBytes) break;
  }
  return Buffer.concat(parts).toString("utf8");
}
