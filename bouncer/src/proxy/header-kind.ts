/** What a header's name means to an intermediary; looked up once for each name there is. Pure. */

/** Bits: a header may be of several kinds. */
export const kind = {
  /** For one connection only (RFC 9110, 7.6.1). */
  hopByHop: 1,
  /** Says where a message ends or goes to: not Connection's, and no verdict's, to change. */
  framing: 2,
  /** What proxies tell applications about the client, and what some frameworks route by. */
  identity: 4,
  /** Of the bouncer's own. */
  ours: 8,
  connection: 16,
  host: 32,
  te: 64,
  forwardedFor: 128,
  forwardedProto: 256,
  forwardedHost: 512,
  forwarded: 1024,
  contentType: 2048,
  authorization: 4096,
  contentLength: 8192,
  expect: 16_384,
  date: 32_768,
  trailer: 65_536,
} as const;

/** Headers of which a second line makes one reader see something else than another. */
export const singular =
  kind.host | kind.contentLength | kind.contentType | kind.authorization | kind.expect;

const hop = kind.hopByHop | kind.framing;

const kinds: Readonly<Record<string, number>> = {
  connection: hop | kind.connection,
  expect: hop | kind.expect,
  "http2-settings": hop,
  "keep-alive": hop,
  "proxy-authorization": hop,
  "proxy-authenticate": hop,
  "proxy-connection": hop,
  te: hop | kind.te,
  trailer: hop | kind.trailer,
  "transfer-encoding": hop,
  upgrade: hop,
  "content-length": kind.framing | kind.contentLength,
  host: kind.framing | kind.host,
  "content-type": kind.contentType,
  authorization: kind.authorization,
  date: kind.date,
  forwarded: kind.identity | kind.forwarded,
  "x-forwarded-for": kind.identity | kind.forwardedFor,
  "x-forwarded-proto": kind.identity | kind.forwardedProto,
  "x-forwarded-host": kind.identity | kind.forwardedHost,
};

const identity = new Set([
  "cf-connecting-ip",
  "client-ip",
  "fastly-client-ip",
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

/**
 * The name as applications compare it: lower case, and `_` is `-`, because CGI and WSGI make the
 * same variable of both and a forged `X_Forwarded_For` would pass for the real one.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function classify(name: string): number {
  const folded = foldName(name);
  const known = Object.hasOwn(kinds, folded) ? (kinds[folded] ?? 0) : 0;
  if (folded.startsWith("x-bouncer-")) return known | kind.ours;
  const isIdentity = identity.has(folded) || folded.startsWith("x-forwarded-");
  return isIdentity ? known | kind.identity : known;
}

const known = new Map<string, number>();
const maxKnown = 1000;

/** Whatever case it is written in. */
export function kindOf(name: string): number {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = classify(name);
  if (known.size < maxKnown) known.set(name, made);
  return made;
}
