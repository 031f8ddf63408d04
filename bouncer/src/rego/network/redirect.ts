/** The requests that one of `http.send` is made of: the first, and those that redirects ask for. Pure. */
import { HttpFailure } from "./failure.ts";
import type { HttpRequest } from "./request.ts";
import { nameOperation } from "./request.ts";
import { type HttpUrl, parseUrl } from "./url.ts";

export interface Hop {
  readonly url: HttpUrl;
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | null;
  readonly asksForGzip: boolean;
  /** The connection is not to be used again. */
  readonly closes: boolean;
  /** What the policy asked for, and where. */
  readonly origin: HttpRequest;
  /** A redirect has led to another domain: credentials stay behind, from then on. */
  readonly isForeign: boolean;
  /** A redirect has dropped the body, for good. */
  readonly isBodyDropped: boolean;
}

/** Said by the connection, not by the policy. */
const connectionHeaders: ReadonlySet<string> = new Set([
  "Connection",
  "Content-Length",
  "Expect",
  "Host",
  "Keep-Alive",
  "Proxy-Connection",
  "Te",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
]);

const credentialHeaders: ReadonlySet<string> = new Set([
  "Authorization",
  "Www-Authenticate",
  "Cookie",
  "Cookie2",
  "Proxy-Authorization",
  "Proxy-Authenticate",
]);

const bodyHeaders: ReadonlySet<string> = new Set([
  "Content-Encoding",
  "Content-Language",
  "Content-Location",
  "Content-Type",
]);

export function firstHop(request: HttpRequest): Hop {
  const { url, method, body } = request;
  const start = { origin: request, isForeign: false, isBodyDropped: false };
  return buildHop({ ...start, url, method, body }, request.headers.get("Host") ?? null, null);
}

type Bare = Omit<Hop, "headers" | "asksForGzip" | "closes">;

function buildHop(hop: Bare, host: string | null, from: HttpUrl | null): Hop {
  const headers = new Map([["Host", host ?? hop.url.authority], ...headersThatStay(hop)]);
  setIfMissing(headers, "User-Agent", "bouncer");
  if (hop.url.credentials !== null) {
    setIfMissing(headers, "Authorization", `Basic ${encodeBase64(hop.url.credentials)}`);
  }
  if (from !== null && !(from.protocol === "https:" && hop.url.protocol === "http:")) {
    setIfMissing(headers, "Referer", toReferer(from));
  }
  const asksForGzip =
    !headers.has("Accept-Encoding") && !headers.has("Range") && hop.method !== "HEAD";
  if (asksForGzip) headers.set("Accept-Encoding", "gzip");
  const closes = (hop.origin.headers.get("Connection") ?? "").toLowerCase() === "close";
  return { ...hop, headers, asksForGzip, closes };
}

function headersThatStay({ origin, isForeign, isBodyDropped }: Bare): [string, string][] {
  return [...origin.headers].filter(
    ([name]) =>
      !connectionHeaders.has(name) &&
      !(isForeign && credentialHeaders.has(name)) &&
      !(isBodyDropped && bodyHeaders.has(name)),
  );
}

function setIfMissing(headers: Map<string, string>, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value);
}

function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** null when the response is the last one. Throws an HttpFailure when it leads nowhere. */
export function nextHop(hop: Hop, statusCode: number, location: string): Hop | null {
  if (!redirects.has(statusCode) || location === "") return null;
  const keepsMethod = statusCode >= 307;
  const { origin, method } = hop;
  const url = resolve(hop, location);
  const isBodyDropped = hop.isBodyDropped || !keepsMethod;
  const isSafe = method === "GET" || method === "HEAD";
  const isRelative = !/^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/\/)/.test(location);
  const next = {
    origin,
    url,
    method: keepsMethod || isSafe ? method : "GET",
    body: isBodyDropped ? null : hop.body,
    isBodyDropped,
    isForeign: hop.isForeign || !isWithin(url.host, origin.url.host),
  };
  return buildHop(next, isRelative ? (hop.headers.get("Host") ?? null) : null, hop.url);
}

function resolve(hop: Hop, location: string): HttpUrl {
  const { url, origin } = hop;
  const base = `${url.protocol}//${url.authority === "" ? "localhost" : url.authority}${url.path}`;
  if (!URL.canParse(location, base)) {
    throw new HttpFailure("network", `cannot follow Location ${JSON.stringify(location)}`);
  }
  const next = parseUrl(new URL(location, base).href, nameOperation(origin.method));
  // What begins at a Unix socket stays there.
  return { ...next, socket: url.socket };
}

function isWithin(host: string, domain: string): boolean {
  if (host === domain) return true;
  return !host.includes(":") && !host.includes("%") && host.endsWith(`.${domain}`);
}

function toReferer({ protocol, authority, path }: HttpUrl): string {
  return `${protocol}//${authority}${path}`;
}
