/**
 * The head of a message: its first line and its headers, checked to the letter of RFC 9112, and
 * what they say about the message's body and connection. What two readers could understand
 * differently is malformed here, before anybody acts on it. Pure.
 */
import type { RejectReason } from "../http/message.ts";
import { methods, space, targetChars, tokenChars, valueChars } from "./grammar.ts";
import { endOfClass, type Fields, isLineEnd, readFields, type Section } from "./head-fields.ts";
import {
  type Framed,
  isProxyClose,
  readConnection,
  readFraming,
  readKeepAlive,
  readUpgrade,
} from "./framing.ts";
import { role } from "./head-names.ts";

export interface ParsedRequest {
  readonly kind: "request";
  readonly method: string;
  /** VCHAR, in one of the forms of RFC 9112, 3.2; what is in it is unchecked. */
  readonly target: string;
  readonly minor: 0 | 1;
  readonly rawHeaders: string[];
  /** Bytes; null: chunked. */
  readonly bodyLength: number | null;
  /** The client allows another request on the connection. */
  readonly isKeptAlive: boolean;
  readonly expectsContinue: boolean;
  /** Protocols of Upgrade, if Connection names it. */
  readonly upgrade: readonly string[];
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
}

export interface Malformed {
  readonly kind: "malformed";
  readonly reason: RejectReason;
  /** For logs and the audit record. */
  readonly detail: string;
}

export interface RequestLimits {
  readonly maxHeaders: number;
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

function malformed(detail: string, reason: RejectReason = "bad_request"): Malformed {
  return { kind: "malformed", reason, detail };
}

function ambiguous(detail: string): Malformed {
  return malformed(detail, "ambiguous_request");
}

interface RequestLine {
  readonly kind: "line";
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  /** Behind its line end. */
  readonly end: number;
}

const noEnd = malformed("header section has no end");

/** Null unless there is an empty line at the end, where all that reads bytes stops. */
function sectionOf(bytes: Buffer, start: number, end: number): Section | null {
  const isWhole = end - start >= 4 && isLineEnd(bytes, end - 2) && isLineEnd(bytes, end - 4);
  return isWhole ? { bytes, text: bytes.toString("latin1", start, end), start, end } : null;
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
  const section = sectionOf(bytes, start, end);
  if (section === null) return noEnd;
  const line = readRequestLine(section);
  if (line.kind === "malformed") return line;
  const { maxHeaders } = limits;
  const fields = readFields(section, line.end, { maxHeaders, unfold: false });
  return fieldProblem(fields) ?? checkRequest(line, fields);
}

function checkRequest(line: RequestLine, fields: Fields): ParsedRequest | Malformed {
  const { method, target, minor } = line;
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
    kind: "request",
    method,
    target,
    minor,
    rawHeaders: fields.raw,
    bodyLength,
    isKeptAlive: connection.isKeptAlive && !isProxyClose(fields.proxyConnection),
    // RFC 9110, 10.1.1: HTTP/1.0 knows none, and without a body there is nothing to go on with.
    expectsContinue: expects && minor === 1 && bodyLength !== 0,
    upgrade,
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

const badVersion = malformed("HTTP version is not 1.0 or 1.1");

function readRequestLine({ bytes, text, start }: Section): RequestLine | Malformed {
  const methodEnd = endOfClass(bytes, start, tokenChars);
  if (bytes[methodEnd] !== space) return malformed("request line has no method");
  const targetEnd = endOfClass(bytes, methodEnd + 1, targetChars);
  const method = text.slice(0, methodEnd - start);
  const target = text.slice(methodEnd + 1 - start, targetEnd - start);
  const problem = targetProblem(method, target);
  if (problem !== null) return malformed(problem);
  if (isLineEnd(bytes, targetEnd)) return badVersion;
  if (bytes[targetEnd] !== space) return malformed("target has invalid characters");
  const minor = minorVersion(text, targetEnd + 1 - start);
  const end = targetEnd + 9;
  if (minor === null || !isLineEnd(bytes, end)) return badVersion;
  return { kind: "line", method, target, minor, end: end + 2 };
}

/** RFC 9112, 2.3; upper case. */
function minorVersion(text: string, from: number): 0 | 1 | null {
  if (text.startsWith("HTTP/1.1", from)) return 1;
  return text.startsWith("HTTP/1.0", from) ? 0 : null;
}

const absoluteForm = /^https?:\/\/[\w.~!$&'()*+,;=:@%[\]-]+(?:[/?]|$)/i;

function targetProblem(method: string, target: string): string | null {
  if (!methods.has(method)) return "method is not one that is served";
  // What follows it is no HTTP (RFC 9110, 9.3.6).
  if (method === "CONNECT") return "CONNECT is not served";
  if (target.startsWith("/") || target === "*" || absoluteForm.test(target)) return null;
  return target === "" ? "request line has no target" : "target is not a path";
}

/** As `parseRequest`; the method says whether there is a body. */
export function parseResponse(
  bytes: Buffer,
  start: number,
  end: number,
  requestMethod: string,
): ParsedResponse | Malformed {
  const section = sectionOf(bytes, start, end);
  if (section === null) return noEnd;
  const { text } = section;
  const minor = minorVersion(text, 0);
  if (minor === null) return badVersion;
  const status = text.slice(9, 12);
  if (text.charCodeAt(8) !== space || !/^[1-9]\d\d$/.test(status)) {
    return malformed("status is not a number from 100 to 999");
  }
  const lineEnd = endOfClass(bytes, start + 12, valueChars);
  // RFC 9112, 4: the space belongs to the line even without a reason phrase; many leave it out.
  const hasReason = text.charCodeAt(12) === space;
  if (!isLineEnd(bytes, lineEnd) || (!hasReason && lineEnd !== start + 12)) {
    return malformed("status line has an invalid character");
  }
  const reason = text.slice(13, lineEnd - start);
  const fields = readFields(section, lineEnd + 2, { maxHeaders: maxResponseHeaders, unfold: true });
  const line = { status: Number(status), reason, minor, requestMethod };
  return fieldProblem(fields) ?? checkResponse(line, fields);
}

interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly requestMethod: string;
}

function checkResponse(line: StatusLine, fields: Fields): ParsedResponse | Malformed {
  const { status, reason, minor } = line;
  const framed = readFraming(fields, minor);
  if (framed.kind === "ambiguous") return ambiguous(framed.detail);
  const connection = readConnection(fields.connection, minor);
  const upgrade = upgradeOf(fields, minor, connection.namesUpgrade);
  if (upgrade === null) return malformed("Upgrade is not a list of protocols");
  const framing = responseFraming(line, framed);
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
function responseFraming(line: StatusLine, framed: Framed): ParsedResponse["framing"] {
  const { status, requestMethod } = line;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (framed.kind === "chunked" || framed.kind === "length") return framed.kind;
  return "close";
}

function responseLength(framing: ParsedResponse["framing"], framed: Framed): number | null {
  if (framing === "none") return 0;
  return framing === "length" && framed.kind === "length" ? framed.bytes : null;
}
