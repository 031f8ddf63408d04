/** Strings and characters in quotes as Go's `%q` has them. Pure. */
import { isPrintable } from "./printable.ts";

const escapes: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x0b, "\\v"],
  [0x5c, "\\\\"],
]);

const plain = /^[ !#-[\]-~]*$/;

/** `isAscii`: everything beyond ASCII is escaped. */
export function quote(text: string, isAscii = false): string {
  if (plain.test(text)) return `"${text}"`;
  let quoted = "";
  for (const character of text.toWellFormed()) {
    quoted += character === '"' ? '\\"' : escape(character.codePointAt(0) ?? 0, isAscii);
  }
  return `"${quoted}"`;
}

/** U+FFFD stands for what is no character. */
export function quoteCharacter(codePoint: number, isAscii: boolean): string {
  const character = toCharacter(codePoint);
  return character === "'" ? "'\\''" : `'${escape(character.codePointAt(0) ?? 0, isAscii)}'`;
}

export function toCharacter(codePoint: number): string {
  const isCharacter = codePoint >= 0 && codePoint <= 0x10_ff_ff;
  return isCharacter ? String.fromCodePoint(codePoint).toWellFormed() : "\u{FFFD}";
}

function escape(codePoint: number, isAscii: boolean): string {
  const known = escapes.get(codePoint);
  if (known !== undefined) return known;
  if ((!isAscii || codePoint < 0x80) && isPrintable(codePoint)) {
    return String.fromCodePoint(codePoint);
  }
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${toHex(codePoint, 2)}`;
  return codePoint > 0xff_ff ? `\\U${toHex(codePoint, 8)}` : `\\u${toHex(codePoint, 4)}`;
}

function toHex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

/** It can stand between backquotes as it is. */
export function canBackquote(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u0008\u000a-\u001f`\u007f\ufeff]/.test(text);
}
