/**
 * Header lists (name, value, name, value, ...) on their way through: what is for this hop only
 * goes, what a client must not say about itself goes, what the bouncer knows is added, order and
 * case of the rest stay. Pure.
 */
import type { Header } from "../policy/decision.ts";

/** RFC 9110, 7.6.1, and what else is about one connection. */
const hopByHop = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Never touched by Connection or by a verdict: they say where a message ends or goes to. */
const framing = new Set([...hopByHop, "content-length", "host"]);

/** What proxies tell applications about the client, and what some frameworks route by. */
const identity = new Set([
  "cf-connecting-ip",
  "client-ip",
  "fastly-client-ip",
  "forwarded",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-auth-partial-body",
  "x-envoy-external-address",
  "x-envoy-internal",
  "x-original-forwarded-for",
  "x-original-host",
  "x-original-url",
  "x-real-ip",
  "x-rewrite-url",
]);

const folded = new Map<string, string>();
const maxFolded = 1000;

/**
 * The name as applications compare it: lower case, and `_` is `-`, because CGI and WSGI make the
 * same variable of both and a forged `X_Forwarded_For` would pass for the real one.
 */
export function foldName(name: string): string {
  const known = folded.get(name);
  if (known !== undefined) return known;
  const made = name.toLowerCase().replaceAll("_", "-");
  if (folded.size < maxFolded) folded.set(name, made);
  return made;
}

function isOurs(name: string): boolean {
  return name.startsWith("x-bouncer-");
}

function isIdentity(name: string): boolean {
  return name.startsWith("x-forwarded-") || identity.has(name);
}

/** Calls `visit` with the folded name, the name and the value of each header. */
function visitHeaders(
  headers: readonly string[],
  visit: (folded: string, name: string, value: string) => void,
): void {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    visit(foldName(name), name, headers[i + 1] ?? "");
  }
}

/** All values of a header, in order; `name` is lower case. */
export function valuesOf(headers: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.length === name.length && headers[i]?.toLowerCase() === name) {
      values.push(headers[i + 1] ?? "");
    }
  }
  return values;
}

function listItems(values: readonly string[]): string[] {
  return values
    .join(",")
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== "");
}

const none: ReadonlySet<string> = new Set();

/** Names that Connection makes part of this hop. Framing is not Connection's to remove. */
function connectionNames(headers: readonly string[]): ReadonlySet<string> {
  const values = valuesOf(headers, "connection");
  if (values.length === 0) return none;
  const named = listItems(values).map(foldName);
  return new Set(named.filter((name) => !framing.has(name)));
}

export interface Forwarding {
  /** Address of the socket's other end. */
  readonly peer: string;
  /** The peer may say who its client is. */
  readonly trusted: boolean;
  readonly host: string;
  /** Protocol of an upgrade that is carried through, else null. */
  readonly upgrade: string | null;
}

/**
 * The headers that policy and application both get. Who the client is comes from the socket; a
 * trusted peer's word is kept and added to.
 */
export function buildRequestHeaders(
  headers: readonly string[],
  { peer, trusted, host, upgrade }: Forwarding,
): string[] {
  const named = connectionNames(headers);
  const out: string[] = [];
  const forwardedFor: string[] = [];
  let proto = "http";
  let forwardedHost = host;
  visitHeaders(headers, (key, name, value) => {
    if (hopByHop.has(key) || named.has(key) || isOurs(key)) return;
    if (!isIdentity(key)) {
      out.push(name, value);
    } else if (trusted) {
      if (key === "x-forwarded-for") forwardedFor.push(value);
      else if (key === "x-forwarded-proto") proto = value;
      else if (key === "x-forwarded-host") forwardedHost = value;
      else out.push(name, value);
    }
  });
  if (upgrade !== null) out.push("Connection", "Upgrade", "Upgrade", upgrade);
  out.push("X-Forwarded-For", [...forwardedFor, peer].join(", "));
  out.push("X-Forwarded-Proto", proto, "X-Forwarded-Host", forwardedHost);
  return out;
}

/** What the verdict changes on the way to the application. */
export function applyRequestHeaders(
  headers: readonly string[],
  set: readonly Header[],
  remove: readonly string[],
): readonly string[] {
  if (set.length === 0 && remove.length === 0) return headers;
  const gone = new Set([...set.map(([name]) => foldName(name)), ...remove.map(foldName)]);
  const out: string[] = [];
  visitHeaders(headers, (key, name, value) => {
    if (framing.has(key) || !gone.has(key)) out.push(name, value);
  });
  for (const [name, value] of set) {
    if (!framing.has(foldName(name))) out.push(name, value);
  }
  return out;
}

/** Without what the client library writes by itself. */
export function withoutUpgrade(headers: readonly string[]): string[] {
  const out: string[] = [];
  visitHeaders(headers, (key, name, value) => {
    if (key !== "upgrade" && key !== "connection") out.push(name, value);
  });
  return out;
}

/** The application's headers for the client, and what the verdict adds to them. */
export function buildResponseHeaders(
  headers: readonly string[],
  add: readonly Header[],
  close: boolean,
): string[] {
  const named = connectionNames(headers);
  const out: string[] = [];
  visitHeaders(headers, (key, name, value) => {
    const dropped = (hopByHop.has(key) && key !== "trailer") || named.has(key) || isOurs(key);
    if (!dropped) out.push(name, value);
  });
  for (const [name, value] of add) {
    if (!framing.has(foldName(name))) out.push(name, value);
  }
  if (close) out.push("Connection", "close");
  return out;
}

/** The headers of 101 Switching Protocols: the one response whose Upgrade is for the client. */
export function buildSwitchHeaders(headers: readonly string[], add: readonly Header[]): string[] {
  const out = buildResponseHeaders(headers, add, false);
  const protocol = valuesOf(headers, "upgrade")[0];
  if (protocol !== undefined) out.push("Upgrade", protocol);
  out.push("Connection", "Upgrade");
  return out;
}

/** Trailers may not say what belongs into the head (RFC 9110, 6.5.1). */
export function buildTrailers(trailers: readonly string[]): [name: string, value: string][] {
  const out: [name: string, value: string][] = [];
  visitHeaders(trailers, (key, name, value) => {
    if (!framing.has(key) && !isOurs(key)) out.push([name, value]);
  });
  return out;
}

/** The headers of a refusal that the policy chose, without those that the bouncer writes. */
export function buildRefusalHeaders(headers: readonly Header[]): string[] {
  return headers.flatMap(([name, value]) => {
    const key = foldName(name);
    return framing.has(key) || isOurs(key) ? [] : [name, value];
  });
}

/**
 * The one protocol to upgrade to, or null when the request goes on without. HTTP and TLS are not
 * carried: inside them, requests would reach the application that no policy has seen (RFC 9110,
 * 7.8 lets a server ignore Upgrade).
 */
export function upgradeProtocol(headers: readonly string[]): string | null {
  const [protocol, ...others] = valuesOf(headers, "upgrade");
  if (protocol === undefined || others.length > 0 || protocol.includes(",")) return null;
  if (!listItems(valuesOf(headers, "connection")).includes("upgrade")) return null;
  return /^(?:h2c?|http|tls)(?:$|\/)|^\s*$/i.test(protocol.trim()) ? null : protocol.trim();
}
