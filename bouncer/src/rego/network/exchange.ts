/** One request and its response, redirects included, within the bounds that there are. */
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import type { CountedAgent } from "./agents.ts";
import type { Response } from "./answer.ts";
import { codeOf, toBodyFailure, toNetworkFailure } from "./describe.ts";
import { HttpFailure } from "./failure.ts";
import { firstOf, type Headers } from "./freshness.ts";
import { firstHop, type Hop, nextHop } from "./redirect.ts";
import { type HttpRequest, nameOperation } from "./request.ts";
import { checkHost } from "./resolve.ts";

export interface ExchangeOptions {
  /** Asked for each request: one that is not used may be closed for others. */
  readonly agent: () => CountedAgent;
  readonly signal: AbortSignal;
  readonly maxBodyBytes: number;
}

const maxRedirects = 10;

/** Throws an HttpFailure. */
export async function exchange(request: HttpRequest, options: ExchangeOptions): Promise<Response> {
  let hop = firstHop(request);
  for (let redirects = 0; ; redirects += 1) {
    const call = `${nameOperation(request.method)} ${JSON.stringify(hop.url.text)}`;
    const head = await ask(hop, call, options);
    const headers = toHeaders(head.headers);
    const next = request.followsRedirects ? follow(hop, head.statusCode, headers, call) : null;
    if (next === null) return await finish(hop, { head, headers, call }, options);
    await head.body.dump({ limit: 64 * 1024, signal: options.signal }).catch(() => {
      // What it said does not matter any more.
    });
    if (redirects === maxRedirects) {
      throw new HttpFailure("network", `${call}: stopped after ${maxRedirects} redirects`);
    }
    hop = next;
  }
}

type Head = Dispatcher.ResponseData;

/** Connections that the server has just closed are noticed by using them: that was no attempt. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const maxRepeats = 3;

async function ask(hop: Hop, call: string, options: ExchangeOptions): Promise<Head> {
  const { signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    const { agent, connections } = options.agent();
    const before = connections();
    try {
      // Before the origin is read as a browser would, to which `2130706433` is an address.
      if (hop.url.socket === null) checkHost(hop.url.host);
      return await agent.request({
        origin: originOf(hop),
        path: hop.url.path,
        method: hop.method,
        headers: [...hop.headers].flatMap(([name, value]) => [name, toBytes(value)]),
        body: hop.body,
        reset: hop.closes,
        signal,
        responseHeaders: "raw",
      });
    } catch (error) {
      const isOld = connections() === before && isBroken(error);
      if (!isOld || !repeatable.has(hop.method) || attempt === maxRepeats) {
        throw toNetworkFailure(signal.aborted ? signal.reason : error, call);
      }
    }
  }
}

function isBroken(error: unknown): boolean {
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error));
}

function originOf({ url }: Hop): string {
  const host = url.host.includes(":") ? `[${url.host.replace(/%.*$/, "")}]` : url.host;
  return `${url.protocol}//${host === "" ? "localhost" : host}:${url.port}`;
}

/** undici writes strings as Latin-1; what goes out is UTF-8, as from Go. */
function toBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** Those that Go keeps: not the ones that say how the message was carried. */
const consumed = new Set(["transfer-encoding", "trailer"]);

function toHeaders(raw: unknown): Headers {
  const headers = new Map<string, string[]>();
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [];
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = String(list[at]).toLowerCase();
    if (consumed.has(name)) continue;
    const value = Buffer.from(trim(String(list[at + 1])), "latin1").toString();
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  const connection = (headers.get("connection") ?? []).join(",").toLowerCase();
  if (connection.split(",").some((token) => token.trim() === "close")) headers.delete("connection");
  // RFC 9111, section 5.4: what old servers say instead.
  if (firstOf(headers, "pragma") === "no-cache" && !headers.has("cache-control")) {
    headers.set("cache-control", ["no-cache"]);
  }
  return headers;
}

/** Spaces and tabs, and nothing else; without a pattern that takes long. */
function trim(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [from, to] = [0, text.length];
  while (from < to && isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return text.slice(from, to);
}

function follow(hop: Hop, statusCode: number, headers: Headers, call: string): Hop | null {
  try {
    return nextHop(hop, statusCode, firstOf(headers, "location"));
  } catch (error) {
    throw toNetworkFailure(error, call);
  }
}

interface Received {
  readonly head: Head;
  readonly headers: Headers;
  readonly call: string;
}

async function finish(
  hop: Hop,
  { head, headers, call }: Received,
  { maxBodyBytes, signal }: ExchangeOptions,
): Promise<Response> {
  const hasBody = hop.method !== "HEAD" && head.statusCode !== 204 && head.statusCode !== 304;
  const isZipped =
    hop.asksForGzip && hasBody && firstOf(headers, "content-encoding").toLowerCase() === "gzip";
  const kept = isZipped ? withoutEncoding(headers) : headers;
  const phrase = head.statusText === "" ? "" : ` ${head.statusText}`;
  try {
    const body = await readBody(isZipped ? unzip(head.body) : head.body, maxBodyBytes);
    return {
      status: `${head.statusCode}${phrase}`,
      statusCode: head.statusCode,
      headers: kept,
      body,
    };
  } catch (error) {
    throw toBodyFailure(signal.aborted ? signal.reason : error, call);
  }
}

/** Nobody asked the policy whether it wants the body zipped, so it does not get to see that it was. */
function withoutEncoding(headers: Headers): Headers {
  return new Map(
    [...headers].filter(([name]) => name !== "content-encoding" && name !== "content-length"),
  );
}

function unzip(body: Readable): Readable {
  return pipeline(body, createGunzip(), () => {
    // Whoever reads the end of it gets the error.
  });
}

async function readBody(body: Readable, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > maxBytes) {
      throw new HttpFailure("internal", `the body is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
