/**
 * Percent-encoding in the parts of a URL, as Go's net/url has it. Texts are byte strings here: one
 * character for each byte of the UTF-8. Pure.
 */
import { BuiltinError } from "../builtin.ts";

export type Part = "path" | "host" | "zone" | "user" | "query" | "fragment";

const unreserved = "-_.~";
const inHost = `${unreserved}!$&'()*+,;=:[]<>"`;

/** Beside letters and digits, what stands for itself. */
const plain: Readonly<Record<Part, string>> = {
  path: `${unreserved}$&+,/:;=@`,
  host: inHost,
  zone: inHost,
  user: `${unreserved}$&+,;=`,
  query: unreserved,
  fragment: `${unreserved}$&+,/:;=?@!()*`,
};

export function isPlain(byte: string, part: Part): boolean {
  return /^[\dA-Za-z]$/.test(byte) || plain[part].includes(byte);
}

export function escapePercent(bytes: string, part: Part): string {
  let text = "";
  for (const byte of bytes) {
    if (isPlain(byte, part)) text += byte;
    else if (byte === " " && part === "query") text += "+";
    else text += `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

export function unescapePercent(bytes: string, part: Part): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? "";
    if (byte === "%") {
      text += unescapeOne(bytes.slice(at, at + 3), part);
      at += 2;
    } else {
      if (isWrong(byte, part)) throw new BuiltinError(`there is ${JSON.stringify(byte)} in a host`);
      text += byte === "+" && part === "query" ? " " : byte;
    }
  }
  return text;
}

function isWrong(byte: string, part: Part): boolean {
  return (part === "host" || part === "zone") && byte < "\u0080" && !isPlain(byte, part);
}

function unescapeOne(escape: string, part: Part): string {
  if (!/^%[\da-f]{2}$/i.test(escape) || !isAllowed(escape, part)) {
    throw new BuiltinError(`there is an escape that is not valid: ${JSON.stringify(escape)}`);
  }
  return toByte(escape);
}

function toByte(escape: string): string {
  return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
}

/** In a host only what is beyond ASCII may be escaped (RFC 3986, 3.2.2), and `%` before a zone. */
function isAllowed(escape: string, part: Part): boolean {
  if (escape === "%25") return true;
  const byte = toByte(escape);
  if (part === "host") return byte >= "\u0080";
  return part !== "zone" || byte === " " || isPlain(byte, "host");
}
