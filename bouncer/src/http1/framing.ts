/**
 * Where the body of a message ends (RFC 9112, 6): decided once, and refused wherever another reader
 * could find another end. Pure.
 */
import type { Fields } from "./head-fields.ts";
import { role } from "./head-names.ts";
import { isProtocol, isToken, listMembers } from "./grammar.ts";

/** Fifteen digits are exact numbers; more than a petabyte is no message. */
const lengthForm = /^\d{1,15}$/;

export type Framed =
  | { readonly kind: "chunked" }
  | { readonly kind: "length"; readonly bytes: number }
  /** Neither header is there. */
  | { readonly kind: "unsaid" }
  | { readonly kind: "ambiguous"; readonly detail: string };

const chunked: Framed = { kind: "chunked" };
const unsaid: Framed = { kind: "unsaid" };

function ambiguous(detail: string): Framed {
  return { kind: "ambiguous", detail };
}

/** What Content-Length and Transfer-Encoding say together (RFC 9112, 6.1 to 6.3). */
export function readFraming(fields: Fields, minor: 0 | 1): Framed {
  const { seen, repeated } = fields;
  if ((seen & (role.contentLength | role.transferEncoding)) === 0) return unsaid;
  if ((repeated & role.contentLength) !== 0)
    return ambiguous("content-length is there more than once");
  if ((repeated & role.transferEncoding) !== 0) {
    return ambiguous("transfer-encoding is there more than once");
  }
  const hasLength = (seen & role.contentLength) !== 0;
  if (hasLength && !lengthForm.test(fields.contentLength)) {
    return ambiguous("Content-Length is not a number");
  }
  if ((seen & role.transferEncoding) === 0) {
    return { kind: "length", bytes: Number(fields.contentLength) };
  }
  if (hasLength) return ambiguous("Transfer-Encoding and Content-Length are both there");
  if (minor === 0) return ambiguous("Transfer-Encoding in HTTP/1.0");
  return fields.transferEncoding.toLowerCase() === "chunked"
    ? chunked
    : ambiguous("Transfer-Encoding is not chunked");
}

export interface ConnectionOptions {
  readonly isKeptAlive: boolean;
  readonly namesUpgrade: boolean;
  /** Every member of the list is a token. */
  readonly isList: boolean;
}

function options(isKeptAlive: boolean, namesUpgrade = false, isList = true): ConnectionOptions {
  return { isKeptAlive, namesUpgrade, isList };
}

const persistent = options(true);
const passing = options(false);
const upgrading = options(true, true);

/** What nearly all clients and servers send. */
const usual: ReadonlyMap<string, ConnectionOptions> = new Map([
  ["", persistent],
  ["keep-alive", persistent],
  ["Keep-Alive", persistent],
  ["close", passing],
  ["Upgrade", upgrading],
  ["upgrade", upgrading],
]);

/** RFC 9112, 9.3 and 9.6: `close` wins over `keep-alive`, whatever else is there. */
export function readConnection(connection: string, minor: 0 | 1): ConnectionOptions {
  const known = minor === 1 ? usual.get(connection) : undefined;
  if (known !== undefined) return known;
  const members = listMembers(connection.toLowerCase());
  const persists = minor === 1 || members.includes("keep-alive");
  return options(
    persists && !members.includes("close"),
    members.includes("upgrade"),
    members.every(isToken),
  );
}

/** Nobody should send Proxy-Connection (RFC 9112, C.2.2); some take its `close` for Connection's. */
export function isProxyClose(proxyConnection: string): boolean {
  return proxyConnection !== "" && listMembers(proxyConnection.toLowerCase()).includes("close");
}

/** The protocols of Upgrade in order; null: it is no list of protocols (RFC 9110, 7.8). */
export function readUpgrade(upgrade: string): readonly string[] | null {
  const protocols = listMembers(upgrade);
  return protocols.every(isProtocol) ? protocols : null;
}

/** Seconds of `Keep-Alive: timeout=5, max=100`; null: it does not say. */
export function readKeepAlive(keepAlive: string): number | null {
  if (keepAlive === "") return null;
  const [, seconds] = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})(?!\d)/i.exec(keepAlive) ?? [];
  return seconds === undefined ? null : Number(seconds);
}
