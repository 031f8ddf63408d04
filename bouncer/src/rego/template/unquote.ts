/** What Go's string and character literals stand for. Pure. */
import { BuiltinError } from "../builtin.ts";
import { toCharacter } from "../text/quote.ts";
import { fromByteString, toByteString } from "../text/utf8.ts";

const simple: ReadonlyMap<string, string> = new Map([
  ["a", "\u0007"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["\\", "\\"],
]);

const escapes =
  /\\(?:([0-7]{3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))|[^\\]+/gu;

/** `literal` has its quotes: double ones, single ones or backquotes. */
export function unquote(literal: string): string {
  const quote = literal.slice(0, 1);
  const inner = literal.slice(1, -1);
  if (quote === "`") return inner.replaceAll("\r", "");
  const parts = Array.from(inner.matchAll(escapes), (found) => toBytes(found, quote));
  return fromByteString(parts.join(""));
}

function toBytes([text, octal, hex, short, long, other]: RegExpExecArray, quote: string): string {
  if (octal !== undefined) return toByte(Number.parseInt(octal, 8));
  if (hex !== undefined) return toByte(Number.parseInt(hex, 16));
  const digits = short ?? long;
  if (digits !== undefined) return toCharacterBytes(Number.parseInt(digits, 16));
  return toByteString(other === undefined ? text : unescape(other, quote));
}

function unescape(letter: string, quote: string): string {
  const character = letter === quote ? quote : simple.get(letter);
  if (character === undefined) throw new BuiltinError(`there is no escape \\${letter}`);
  return character;
}

function toByte(value: number): string {
  if (value > 0xff) throw new BuiltinError("an octal escape is beyond a byte");
  return String.fromCharCode(value);
}

function toCharacterBytes(codePoint: number): string {
  const isCharacter = codePoint <= 0x10_ff_ff && (codePoint < 0xd8_00 || codePoint > 0xdf_ff);
  if (!isCharacter) throw new BuiltinError("an escape stands for no character");
  return toByteString(toCharacter(codePoint));
}
