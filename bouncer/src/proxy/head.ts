/**
 * The head of a request as it arrived, checked: whatever the bouncer, the policy and the
 * application could understand differently is refused before anybody decides on it. Pure.
 */
import type { Endpoint, RequestHead } from "../policy/decision.ts";
import { buildRequestHeaders, upgradeProtocol, valuesOf } from "./headers.ts";
import { readTarget } from "./target.ts";

export interface RawHead {
  readonly method: string;
  readonly target: string;
  /** `1.1`. */
  readonly version: string;
  readonly rawHeaders: readonly string[];
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The peer is in `TRUSTED_PROXIES`. */
  readonly trusted: boolean;
}

export interface CheckedHead {
  readonly kind: "head";
  /** What policy and application get. */
  readonly head: RequestHead;
  readonly hasBody: boolean;
  /** Protocol of an upgrade that is to be carried through. */
  readonly upgrade: string | null;
}

export interface RejectedHead {
  readonly kind: "rejected";
  readonly reason: "bad_request" | "ambiguous_request" | "headers_too_large";
  readonly detail: string;
}

export const maxHeaders = 200;

/** Headers of which a second line makes one reader see something else than another. */
const singular = ["host", "content-length", "content-type", "authorization", "transfer-encoding"];

const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

function reject(reason: RejectedHead["reason"], detail: string): RejectedHead {
  return { kind: "rejected", reason, detail };
}

export function hasBody(rawHeaders: readonly string[]): boolean {
  if (valuesOf(rawHeaders, "transfer-encoding").length > 0) return true;
  const [length] = valuesOf(rawHeaders, "content-length");
  return length !== undefined && !/^0+$/.test(length);
}

/** The protocol that a request would be upgraded to; a body would be taken for its first bytes. */
export function readUpgrade(version: string, rawHeaders: readonly string[]): string | null {
  return version === "1.1" && !hasBody(rawHeaders) ? upgradeProtocol(rawHeaders) : null;
}

export function checkHead(raw: RawHead): CheckedHead | RejectedHead {
  const { rawHeaders, version } = raw;
  const framing = checkFraming(raw);
  if (framing !== null) return framing;
  const target = readTarget(raw.target);
  if (!target.ok) return reject(target.reason, target.detail);
  const [host = ""] = valuesOf(rawHeaders, "host");
  if (!hostForm.test(host)) return reject("bad_request", "Host is missing or not a host");
  if (target.authority !== null && target.authority.toLowerCase() !== host.toLowerCase()) {
    return reject("ambiguous_request", "target and Host name different hosts");
  }
  const upgrade = readUpgrade(version, rawHeaders);
  const head: RequestHead = {
    method: raw.method,
    target: target.target,
    protocol: `HTTP/${version}`,
    scheme: "http",
    host,
    rawHeaders: buildRequestHeaders(rawHeaders, {
      peer: raw.source.address,
      trusted: raw.trusted,
      host,
      upgrade,
    }),
    source: raw.source,
    destination: raw.destination,
  };
  return { kind: "head", head, hasBody: hasBody(rawHeaders), upgrade };
}

/** RFC 9112, 6.1 and 6.3. The parser has refused most of this already; here it is on purpose. */
function checkFraming({ method, version, rawHeaders }: RawHead): RejectedHead | null {
  if (version !== "1.1" && version !== "1.0") {
    return reject("bad_request", "HTTP version is not 1.0 or 1.1");
  }
  if (method === "CONNECT") return reject("bad_request", "CONNECT is not served");
  if (rawHeaders.length > 2 * maxHeaders) {
    return reject("headers_too_large", `more than ${maxHeaders} headers`);
  }
  const repeated = singular.find((name) => valuesOf(rawHeaders, name).length > 1);
  if (repeated !== undefined) {
    return reject("ambiguous_request", `${repeated} is there more than once`);
  }
  const [expect] = valuesOf(rawHeaders, "expect");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return reject("bad_request", "Expect is not 100-continue");
  }
  const problem = findLengthProblem(version, rawHeaders);
  return problem === null ? null : reject("ambiguous_request", problem);
}

function findLengthProblem(version: string, rawHeaders: readonly string[]): string | null {
  const [encoding] = valuesOf(rawHeaders, "transfer-encoding");
  const [length] = valuesOf(rawHeaders, "content-length");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return "Content-Length is not a number";
  if (encoding === undefined) return null;
  if (length !== undefined) return "Transfer-Encoding and Content-Length are both there";
  if (version === "1.0") return "Transfer-Encoding in HTTP/1.0";
  return encoding.toLowerCase() === "chunked" ? null : "Transfer-Encoding is not chunked";
}
