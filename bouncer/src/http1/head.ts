/**
 * The head of a message: its first line and its headers, checked to the letter of RFC 9112, and
 * what they say about the message's body and connection. What two readers could understand
 * differently is malformed here, before anybody acts on it. Pure.
 */
import type { HeaderMemo } from "../http/message.ts";
import { type Fields, isLineEnd, readFields } from "./head-fields.ts";
import {
  ambiguous,
  type Malformed,
  malformed,
  readRequestLine,
  readStatusLine,
  type RequestLine,
  type StatusLine,
} from "./head-line.ts";
import {
  type Framed,
  isProxyClose,
  readConnection,
  readFraming,
  readKeepAlive,
  readUpgrade,
} from "./framing.ts";
import type { HeadMemo } from "./head-memo.ts";
import { role } from "./head-names.ts";

export interface ParsedRequest {
  readonly kind: "request";
  readonly method: string;
  /** VCHAR, in one of the forms of RFC 9112, 3.2; what is in it is unchecked. */
  readonly target: string;
  readonly version: "1.0" | "1.1";
  readonly rawHeaders: string[];
  /** Bytes; null: chunked. */
  readonly bodyLength: number | null;
  /** The client allows another request on the connection. */
  readonly isKeptAlive: boolean;
  readonly expectsContinue: boolean;
  /** Protocols of Upgrade, if Connection names it. */
  readonly upgrade: readonly string[];
  readonly memo: HeaderMemo;
}

export interface ParsedResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly rawHeaders: string[];
  /** Bytes; null: not known before its end. */
  readonly bodyLength: number | null;
  readonly framing: "none" | "length" | "chunked" | "close";
  /** The connection may be used again behind this message. */
  readonly isKeptAlive: boolean;
  /** Of `Keep-Alive: timeout=`. */
  readonly keepAliveSeconds: number | null;
  readonly upgrade: readonly string[];
  readonly memo: HeaderMemo;
}

/** Of a request, what its headers say; the same for the same bytes. */
export interface RequestFields {
  readonly kind: "fields";
  readonly minor: 0 | 1;
  readonly rawHeaders: string[];
  readonly bodyLength: number | null;
  readonly isKeptAlive: boolean;
  readonly expectsContinue: boolean;
  readonly upgrade: readonly string[];
  readonly memo: HeaderMemo;
}

export interface RequestLimits {
  readonly maxHeaders: number;
  /** Of the connection. */
  readonly memo?: HeadMemo<RequestFields>;
}

/** More than any application sends; the size of a head has a limit of its own. */
const maxResponseHeaders = 1000;
const noProtocols: readonly string[] = [];

/** Headers of which a second line makes one reader see something else than another. */
const singular = [
  [role.host, "host"],
  [role.contentLength, "content-length"],
  [role.contentType, "content-type"],
  [role.authorization, "authorization"],
  [role.transferEncoding, "transfer-encoding"],
  [role.expect, "expect"],
] as const;
const singularRoles = singular.reduce((bits, [bit]) => bits | bit, 0);

/** There is an empty line at the end, where all that reads bytes stops. */
function isWhole(bytes: Buffer, start: number, end: number): boolean {
  return end - start >= 4 && isLineEnd(bytes, end - 2) && isLineEnd(bytes, end - 4);
}

function fieldProblem({ problem, isTooMany }: Fields): Malformed | null {
  if (problem === null) return null;
  return malformed(problem, isTooMany ? "headers_too_large" : "bad_request");
}

/** The head in `bytes` from `start`, where its first line begins, to `end`, behind its empty line. */
export function parseRequest(
  bytes: Buffer,
  start: number,
  end: number,
  limits: RequestLimits,
): ParsedRequest | Malformed {
  if (!isWhole(bytes, start, end)) return malformed("header section has no end");
  const lineEnd = bytes.indexOf("\r\n", start, "latin1") + 2;
  const text = bytes.toString("latin1", start, lineEnd);
  const line = readRequestLine({ bytes, text, start, end });
  if (line.kind === "malformed") return line;
  const known = limits.memo?.find(bytes, line.end, end) ?? null;
  const fields =
    known?.minor === line.minor ? known : readRequestFields(bytes, { start, line, end, limits });
  if (fields.kind === "malformed") return fields;
  // Not by spreading: each request is one of these.
  return {
    kind: "request",
    method: line.method,
    target: line.target,
    version: line.minor === 1 ? "1.1" : "1.0",
    rawHeaders: fields.rawHeaders,
    bodyLength: fields.bodyLength,
    isKeptAlive: fields.isKeptAlive,
    expectsContinue: fields.expectsContinue,
    upgrade: fields.upgrade,
    memo: fields.memo,
  };
}

interface RequestPlace {
  readonly start: number;
  readonly line: RequestLine;
  readonly end: number;
  readonly limits: RequestLimits;
}

function readRequestFields(bytes: Buffer, at: RequestPlace): RequestFields | Malformed {
  const { start, line, end, limits } = at;
  const { maxHeaders, memo } = limits;
  const section = { bytes, text: bytes.toString("latin1", start, end), start, end };
  const fields = readFields(section, line.end, { maxHeaders, unfold: false });
  const read = fieldProblem(fields) ?? checkRequest(line, fields);
  return read.kind === "fields" && memo !== undefined
    ? memo.keep(bytes, line.end, end, read)
    : read;
}

function checkRequest({ minor }: RequestLine, fields: Fields): RequestFields | Malformed {
  const { seen } = fields;
  if ((fields.repeated & singularRoles) !== 0) return ambiguous(repetition(fields.repeated));
  // RFC 9112, 3.2: whatever its value, a request of HTTP/1.1 has one.
  if (minor === 1 && (seen & role.host) === 0) return malformed("Host is missing or not a host");
  const expects = (seen & role.expect) !== 0;
  if (expects && fields.expect.toLowerCase() !== "100-continue") {
    return malformed("Expect is not 100-continue");
  }
  const framed = readFraming(fields, minor);
  if (framed.kind === "ambiguous") return ambiguous(framed.detail);
  const connection = readConnection(fields.connection, minor);
  if (!connection.isList) return malformed("Connection is not a list of tokens");
  const upgrade = upgradeOf(fields, minor, connection.namesUpgrade);
  if (upgrade === null) return malformed("Upgrade is not a list of protocols");
  const bodyLength = requestLength(framed);
  return {
    kind: "fields",
    minor,
    rawHeaders: fields.raw,
    bodyLength,
    isKeptAlive: connection.isKeptAlive && !isProxyClose(fields.proxyConnection),
    // RFC 9110, 10.1.1: HTTP/1.0 knows none, and without a body there is nothing to go on with.
    expectsContinue: expects && minor === 1 && bodyLength !== 0,
    upgrade,
    memo: { made: null, lines: null },
  };
}

function repetition(repeated: number): string {
  const [, name] = singular.find(([bit]) => (repeated & bit) !== 0) ?? [];
  return `${name ?? "a header"} is there more than once`;
}

/** RFC 9112, 6.3: a request without either header has no body. */
function requestLength(framed: Framed): number | null {
  if (framed.kind === "chunked") return null;
  return framed.kind === "length" ? framed.bytes : 0;
}

function upgradeOf(fields: Fields, minor: 0 | 1, isNamed: boolean): readonly string[] | null {
  const isThere = minor === 1 && isNamed && (fields.seen & role.upgrade) !== 0;
  return isThere ? readUpgrade(fields.upgrade) : noProtocols;
}

/** Whose answer it is, and the memory of the connection. */
export interface ResponseContext {
  /** Says whether there is a body. */
  readonly method: string;
  readonly memo?: HeadMemo<KnownResponse>;
}

export interface KnownResponse {
  readonly method: string;
  readonly parsed: ParsedResponse;
}

/** As `parseRequest`. */
export function parseResponse(
  bytes: Buffer,
  start: number,
  end: number,
  { method, memo }: ResponseContext,
): ParsedResponse | Malformed {
  const known = memo?.find(bytes, start, end) ?? null;
  if (known?.method === method) return known.parsed;
  const parsed = readResponse(bytes, start, end, method);
  if (parsed.kind === "response") memo?.keep(bytes, start, end, { method, parsed });
  return parsed;
}

function readResponse(
  bytes: Buffer,
  start: number,
  end: number,
  requestMethod: string,
): ParsedResponse | Malformed {
  if (!isWhole(bytes, start, end)) return malformed("header section has no end");
  const section = { bytes, text: bytes.toString("latin1", start, end), start, end };
  const line = readStatusLine(section);
  if (line.kind === "malformed") return line;
  const fields = readFields(section, line.end, { maxHeaders: maxResponseHeaders, unfold: true });
  return fieldProblem(fields) ?? checkResponse(line, fields, requestMethod);
}

function checkResponse(
  line: StatusLine,
  fields: Fields,
  requestMethod: string,
): ParsedResponse | Malformed {
  const { status, reason, minor } = line;
  const framed = readFraming(fields, minor);
  if (framed.kind === "ambiguous") return ambiguous(framed.detail);
  const connection = readConnection(fields.connection, minor);
  const upgrade = upgradeOf(fields, minor, connection.namesUpgrade);
  if (upgrade === null) return malformed("Upgrade is not a list of protocols");
  const framing = responseFraming(status, requestMethod, framed);
  const announcesBody = hasBody(framed);
  const persists = connection.isKeptAlive && !isProxyClose(fields.proxyConnection);
  const problem = status < 200 ? interimProblem(status, announcesBody, persists) : null;
  if (problem !== null) return problem;
  // Whether the body that 204 cannot have follows all the same, only its sender knows.
  const isSound = connection.isList && !(status === 204 && announcesBody);
  return {
    kind: "response",
    status,
    reason,
    minor,
    rawHeaders: fields.raw,
    bodyLength: responseLength(framing, framed),
    framing,
    isKeptAlive: persists && framing !== "close" && isSound,
    keepAliveSeconds: readKeepAlive(fields.keepAlive),
    upgrade,
    memo: { made: null, lines: null },
  };
}

function hasBody(framed: Framed): boolean {
  return framed.kind === "chunked" || (framed.kind === "length" && framed.bytes > 0);
}

/**
 * RFC 9110, 8.6 and RFC 9112, 6.1: an interim response has no body, so that what follows one that
 * announces a body could be that or an answer. And another answer must be able to follow.
 */
function interimProblem(
  status: number,
  announcesBody: boolean,
  persists: boolean,
): Malformed | null {
  if (announcesBody) return ambiguous("an interim response has a body");
  const isFinal = status === 101;
  return persists || isFinal ? null : malformed("an interim response ends the connection");
}

/** RFC 9112, 6.3. */
function responseFraming(
  status: number,
  requestMethod: string,
  framed: Framed,
): ParsedResponse["framing"] {
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (framed.kind === "chunked" || framed.kind === "length") return framed.kind;
  return "close";
}

function responseLength(framing: ParsedResponse["framing"], framed: Framed): number | null {
  if (framing === "none") return 0;
  return framing === "length" && framed.kind === "length" ? framed.bytes : null;
}
