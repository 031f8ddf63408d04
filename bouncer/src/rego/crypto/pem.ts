/**
 * PEM as Go's encoding/pem reads it: text around the blocks is skipped, and so are blocks that are
 * broken. Works on characters that stand for bytes (latin1).
 */
import { attempt } from "./attempt.ts";
import { decodeBase64 } from "./base64.ts";
import { trimEnd } from "./trim.ts";

const begin = "-----BEGIN ";
const end = "-----END ";
const dashes = "-----";

export interface PemBlock {
  readonly type: string;
  readonly bytes: Buffer;
  /** Where the text goes on after the block. */
  readonly next: number;
}

/** The first block at or after `from`; null when there is none. */
export function readPem(text: string, from = 0): PemBlock | null {
  for (let at = from; ;) {
    const marker = findEnd(text, at);
    if (marker < 0) return null;
    const start = text.slice(at, marker).lastIndexOf(begin);
    if (start >= 0 && (start === 0 || text[at + start - 1] === "\n")) {
      const block = readBlock(text, at + start, marker);
      if (block !== null) return block;
    }
    at = marker + end.length + 1;
  }
}

/** Where the line break before the next END line is. */
function findEnd(text: string, from: number): number {
  return text.indexOf(`\n${end}`, from);
}

interface Line {
  readonly text: string;
  readonly next: number;
}

function readLine(text: string, at: number): Line {
  const found = text.indexOf("\n", at);
  const stop = found < 0 ? text.length : found;
  const line = text.slice(at, found > at && text[found - 1] === "\r" ? found - 1 : stop);
  return { text: trimEnd(line, " \t"), next: found < 0 ? text.length : found + 1 };
}

function readBlock(text: string, start: number, marker: number): PemBlock | null {
  const first = readLine(text, start + begin.length);
  if (!first.text.endsWith(dashes)) return null;
  const type = first.text.slice(0, -dashes.length);
  const body = skipHeaders(text, first.next, marker);
  const closing = marker + 1 + end.length;
  const trailer = type + dashes;
  if (body === null || !text.startsWith(trailer, closing)) return null;
  const rest = readLine(text, closing + trailer.length);
  if (rest.text !== "") return null;
  const bytes = attempt(() =>
    decodeBase64(text.slice(body, Math.max(body, marker)).replaceAll(/[ \t]/g, "")),
  );
  return bytes === null ? null : { type, bytes, next: rest.next };
}

/** Where the body begins, after lines like `Proc-Type: 4,ENCRYPTED`. */
function skipHeaders(text: string, from: number, marker: number): number | null {
  let at = from;
  while (at < text.length) {
    const line = readLine(text, at);
    if (!line.text.includes(":")) return at;
    at = line.next;
    if (marker < at) return null;
  }
  return null;
}
