/**
 * An httpGet probe as the kubelet does it: no proxy, certificates not verified, redirects to the
 * same host followed, one to another host taken for success (Kubernetes, pkg/probe/http).
 */
import { type IncomingMessage, request } from "node:http";
import type { ProbeAction } from "../contract.ts";

type HttpAction = Extract<ProbeAction, { kind: "http" }>;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const maxRedirects = 10;
/** As much as the kubelet shows of a failed probe's answer. */
const maxBodyBytes = 10 * 1024;

function buildHeaders(action: HttpAction, url: URL): Record<string, string | string[]> {
  const headers: Record<string, string[]> = {};
  for (const { name, value } of action.headers) (headers[name.toLowerCase()] ??= []).push(value);
  const { host, ...others } = headers;
  return {
    "user-agent": "kube-probe/bouncer",
    accept: "*/*",
    connection: "close",
    ...others,
    host: host?.[0] ?? url.host,
  };
}

async function open(action: HttpAction, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const options = { headers: buildHeaders(action, url), agent: false, signal };
  // The kubelet does not verify either: the certificate is rarely for the pod's address.
  const unverified = { ...options, rejectUnauthorized: false, servername: "" };
  // TLS is five megabytes that few probes need.
  const opening =
    url.protocol === "https:"
      ? (await import("node:https")).request(url, unverified)
      : request(url, options);
  return await new Promise((resolve, reject) => {
    opening.once("response", resolve);
    opening.once("error", reject);
    opening.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) break;
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBodyBytes) break;
  }
  response.destroy();
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString("utf8");
}

/** Where a redirect leads; null: nowhere, the answer is the answer. */
function redirectTarget(response: IncomingMessage, url: URL): URL | null {
  const { statusCode = 0, headers } = response;
  const redirects = [301, 302, 303, 307, 308].includes(statusCode);
  if (!redirects || headers.location === undefined) return null;
  return URL.canParse(headers.location, url.href) ? new URL(headers.location, url) : null;
}

export async function probeHttp(
  action: HttpAction,
  host: string,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const authority = host.includes(":") ? `[${host}]` : host;
  const path = action.path.startsWith("/") ? action.path : `/${action.path}`;
  let url = new URL(`${action.scheme}://${authority}:${action.port}${path}`);
  for (let followed = 0; followed <= maxRedirects; followed += 1) {
    const response = await open(action, url, signal);
    const next = redirectTarget(response, url);
    if (next === null) {
      return { status: response.statusCode ?? 0, body: await readBody(response) };
    }
    response.destroy();
    if (next.hostname !== url.hostname) {
      return { status: 200, body: `redirect to another host: ${next.host}` };
    }
    url = next;
  }
  return { status: 508, body: `stopped after ${maxRedirects} redirects` };
}
