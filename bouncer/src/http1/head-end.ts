/**
 * Where the head of a message ends, before anything of it is read. What can never become a head is
 * told at once: who sends TLS or bare line feeds gets his answer without waiting for a time-out.
 */
import { cr, lf, valueChars } from "./grammar.ts";

const blankLine = "\r\n\r\n";

/** There is no blank line yet. */
export const incomplete = -1;
/** Whatever follows, it is no head. */
export const hopeless = -2;

/**
 * The index behind the blank line, `incomplete` or `hopeless`. `from` is where the last search
 * stopped, or where the head begins. A head that is there may be malformed all the same.
 */
export function findHeadEnd(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(blankLine, Math.max(0, from - 3), "latin1");
  if (found !== -1) return found + blankLine.length;
  return isHopeless(bytes, from) ? hopeless : incomplete;
}

/**
 * Control characters and line ends that are not CR LF (RFC 9112, 2.2). The byte before the first may
 * be the end of another message's body: a CR there says nothing, unless a line feed follows.
 */
function isHopeless(bytes: Buffer, from: number): boolean {
  let isBehindCr = false;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === lf) {
      if (!isBehindCr && (i !== from || from === 0 || bytes[i - 1] !== cr)) return true;
    } else if (isBehindCr || (valueChars[byte] === 0 && byte !== cr)) {
      return true;
    }
    isBehindCr = byte === cr;
  }
  return false;
}

/** Behind at most two empty lines, which old clients send after a body (RFC 9112, 2.2). */
export function skipEmptyLines(bytes: Buffer, from: number): number {
  let at = from;
  while (at < from + 4 && bytes[at] === cr && bytes[at + 1] === lf) at += 2;
  return at;
}
