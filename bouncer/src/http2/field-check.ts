/**
 * What a header field of HTTP/2 may be at all (RFC 9113, 8.2): checked once for each field that the
 * tables of HPACK know, however often it comes. Pure.
 */
import { isFieldValue } from "../http1/grammar.ts";
import type { CheckField } from "./hpack/field.ts";

const pseudoName = /^:[a-z]+$/;
/** A token without upper case (RFC 9110, 5.1; RFC 9113, 8.2.1). */
const plainName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** About one connection, of which HTTP/2 has its own ways to speak (RFC 9113, 8.2.2). */
const connectionSpecific: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

export function isConnectionSpecific(name: string): boolean {
  return connectionSpecific.has(name);
}

export const checkField: CheckField = (name, value) => {
  if (!plainName.test(name) && !pseudoName.test(name)) {
    return "the name of a header has characters that names must not have";
  }
  if (connectionSpecific.has(name)) return `${name} is not for HTTP/2`;
  if (name === "te" && value !== "trailers") return "te is not trailers";
  if (!isFieldValue(value)) return `the value of ${name} has invalid characters`;
  return isPadded(value) ? `the value of ${name} begins or ends with white space` : null;
};

function isPadded(value: string): boolean {
  if (value.length === 0) return false;
  const last = value.charCodeAt(value.length - 1);
  const first = value.charCodeAt(0);
  return first === 0x20 || first === 0x09 || last === 0x20 || last === 0x09;
}
