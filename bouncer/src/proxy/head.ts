/**
 * The head of a request as it arrived, checked: whatever the bouncer, the policy and the
 * application could understand differently is refused before anybody decides on it. Where a
 * message ends, its codec has made sure of. Pure.
 */
import type { ClientConnection, HeaderMemo, RawHeaders, RequestMessage } from "../http/message.ts";
import type { RequestHead } from "../policy/decision.ts";
import { kind, kindOf, singular } from "./header-kind.ts";
import { buildRequestHeaders } from "./headers.ts";
import { readTarget } from "./target.ts";

export interface RawHead {
  readonly request: RequestMessage;
  readonly connection: ClientConnection;
  /** The peer is in `TRUSTED_PROXIES`. */
  readonly trusted: boolean;
  /** What Via calls us; null: it is not added. */
  readonly pseudonym: string | null;
}

export interface CheckedHead {
  readonly kind: "head";
  /** What policy and application get. */
  readonly head: RequestHead;
  /** Goes with `head.rawHeaders`. */
  readonly memo: HeaderMemo;
  /** Protocol of an upgrade that is to be carried through. */
  readonly upgrade: string | null;
}

export interface RejectedHead {
  readonly kind: "rejected";
  readonly reason: "bad_request" | "ambiguous_request";
  readonly detail: string;
}

const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

function reject(reason: RejectedHead["reason"], detail: string): RejectedHead {
  return { kind: "rejected", reason, detail };
}

/**
 * The one protocol to upgrade to, or null when the request goes on without. HTTP and TLS are not
 * carried: inside them, requests would reach the application that no policy has seen (RFC 9110,
 * 7.8 lets a server ignore Upgrade). A body would be taken for its first bytes.
 */
export function readUpgrade({ upgrade, bodyLength }: RequestMessage): string | null {
  const [protocol, ...others] = upgrade;
  if (protocol === undefined || others.length > 0 || bodyLength !== 0) return null;
  return /^(?:h2c?|http|tls)(?:$|\/)/i.test(protocol) ? null : protocol;
}

export function checkHead(raw: RawHead): CheckedHead | RejectedHead {
  const { request, connection } = raw;
  const { method, version } = request;
  if (method === "CONNECT") return reject("bad_request", "CONNECT is not served");
  const known = request.memo?.made;
  const checked = known instanceof CheckedHeaders ? known : checkHeaders(raw);
  if (checked.kind === "rejected") return checked;
  const { host, rawHeaders, upgrade, memo } = checked;
  const target = readTarget(request.target, method);
  if (!target.ok) return reject(target.reason, target.detail);
  if (target.authority !== null && target.authority.toLowerCase() !== host.toLowerCase()) {
    return reject("ambiguous_request", "target and Host name different hosts");
  }
  const { scheme, source, destination } = connection;
  const head: RequestHead = {
    method,
    target: target.target,
    protocol: protocols[version],
    scheme,
    host,
    rawHeaders,
    source,
    destination,
  };
  return { kind: "head", head, memo, upgrade };
}

/** What was made of a list of headers; the same for the same list on the same connection. */
class CheckedHeaders {
  readonly kind = "headers";
  readonly host: string;
  readonly rawHeaders: RawHeaders;
  readonly upgrade: string | null;
  readonly memo: HeaderMemo = { made: null, lines: null };

  constructor(host: string, rawHeaders: RawHeaders, upgrade: string | null) {
    this.host = host;
    this.rawHeaders = rawHeaders;
    this.upgrade = upgrade;
  }
}

function checkHeaders(raw: RawHead): CheckedHeaders | RejectedHead {
  const { request, connection, trusted, pseudonym } = raw;
  const read = readHeaders(request);
  if (read.kind === "rejected") return read;
  if (!hostForm.test(read.host)) return reject("bad_request", "Host is missing or not a host");
  const upgrade = readUpgrade(request);
  const rawHeaders = buildRequestHeaders(request.rawHeaders, {
    peer: connection.source.address,
    trusted,
    scheme: connection.scheme,
    upgrade,
    via: pseudonym === null ? null : `${request.version} ${pseudonym}`,
  });
  const checked = new CheckedHeaders(read.host, rawHeaders, upgrade);
  if (request.memo !== undefined) request.memo.made = checked;
  return checked;
}

const protocols = { "1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2" } as const;

type ReadHeaders = { readonly kind: "read"; readonly host: string } | RejectedHead;

function readHeaders({ rawHeaders }: RequestMessage): ReadHeaders {
  let host = "";
  let seen = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const bits = kindOf(name) & singular;
    if (bits === 0) continue;
    if ((seen & bits) !== 0) {
      return reject("ambiguous_request", `${name.toLowerCase()} is there more than once`);
    }
    seen |= bits;
    const value = rawHeaders[i + 1] ?? "";
    if ((bits & kind.host) !== 0) host = value;
    else if ((bits & kind.expect) !== 0 && value.toLowerCase() !== "100-continue") {
      return reject("bad_request", "Expect is not 100-continue");
    }
  }
  return { kind: "read", host };
}
