/**
 * The first line of a message (RFC 9112, 3 and 4), and what is told of one that is none. Pure.
 */
import type { RejectReason } from "../http/message.ts";
import { methods, space, targetChars, tokenChars, valueChars } from "./grammar.ts";
import { endOfClass, isLineEnd, type Section } from "./head-fields.ts";

export interface Malformed {
  readonly kind: "malformed";
  readonly reason: RejectReason;
  /** For logs and the audit record. */
  readonly detail: string;
}

export function malformed(detail: string, reason: RejectReason = "bad_request"): Malformed {
  return { kind: "malformed", reason, detail };
}

export function ambiguous(detail: string): Malformed {
  return malformed(detail, "ambiguous_request");
}

export interface RequestLine {
  readonly kind: "line";
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  /** Behind its line end. */
  readonly end: number;
}

export interface StatusLine {
  readonly kind: "line";
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  /** Behind its line end. */
  readonly end: number;
}

const badVersion = malformed("HTTP version is not 1.0 or 1.1");

export function readRequestLine({ bytes, text, start }: Section): RequestLine | Malformed {
  const methodEnd = endOfClass(bytes, start, tokenChars);
  if (methodEnd === start || bytes[methodEnd] !== space) {
    return malformed("request line has no method");
  }
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

/** Without user and password, which RFC 9110, 4.2.4 has a recipient take for an error. */
const absoluteForm = /^https?:\/\/[\w.~!$&'()*+,;=:%[\]-]+(?:[/?]|$)/i;

function targetProblem(method: string, target: string): string | null {
  if (!methods.has(method)) return "method is not one that is served";
  // What follows it is no HTTP (RFC 9110, 9.3.6).
  if (method === "CONNECT") return "CONNECT is not served";
  if (target.startsWith("/") || target === "*" || absoluteForm.test(target)) return null;
  return target === "" ? "request line has no target" : "target is not a path";
}

export function readStatusLine({ bytes, text, start }: Section): StatusLine | Malformed {
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
  return { kind: "line", status: Number(status), reason, minor, end: lineEnd + 2 };
}
