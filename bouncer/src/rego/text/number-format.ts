/** Numbers under Go's verbs: machine integers, big integers, doubles. Pure. */
import { type FloatVerb, formatFloat } from "./float.ts";
import { type Layout, pad, padWithSpaces } from "./layout.ts";
import { isPrintable } from "./printable.ts";
import { quoteCharacter, toCharacter } from "./quote.ts";

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

/** null: an integer has no such verb. */
export function formatInteger(value: bigint, verb: string, layout: Layout): string | null {
  const base = bases[verb];
  if (base !== undefined) return inBase(value, { base, verb }, layout);
  const codePoint = value >= 0n && value <= 0x10_ff_ffn ? Number(value) : -1;
  if (verb === "c") return pad(toCharacter(codePoint), layout);
  if (verb === "q") return pad(quoteCharacter(codePoint, layout.plus), layout);
  return verb === "U" ? asCodePoint(value, layout) : null;
}

interface Notation {
  readonly base: number;
  readonly verb: string;
}

function inBase(value: bigint, { base, verb }: Notation, layout: Layout): string {
  const isNegative = value < 0n;
  if (layout.precision === 0 && value === 0n) return " ".repeat(layout.width ?? 0);
  const size = isNegative ? -value : value;
  const digits = size.toString(base).padStart(digitsWanted(isNegative, layout), "0");
  const prefixed = prefixOf(digits, { base, verb }, layout) + digits;
  const cased = verb === "X" ? prefixed.toUpperCase() : prefixed;
  return padWithSpaces((isNegative ? "-" : signOf(layout)) + cased, layout);
}

/** `%.3d` and `%03d` both ask for zeros; with both, spaces fill the width. */
function digitsWanted(isNegative: boolean, layout: Layout): number {
  if (layout.precision !== null) return layout.precision;
  if (!layout.zero || layout.minus || layout.width === null) return 0;
  return layout.width - (isNegative || layout.plus || layout.space ? 1 : 0);
}

function prefixOf(digits: string, { base, verb }: Notation, layout: Layout): string {
  const octal = verb === "O" ? "0o" : "";
  if (!layout.sharp) return octal;
  if (base === 2) return "0b";
  if (base === 16) return "0x";
  return base === 8 && !digits.startsWith("0") ? `${octal}0` : octal;
}

function signOf(layout: Layout): string {
  return layout.plus ? "+" : layout.space ? " " : "";
}

function asCodePoint(value: bigint, layout: Layout): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const text = `U+${digits.padStart(Math.max(layout.precision ?? 4, 4), "0")}`;
  const isShown = layout.sharp && value >= 0n && value <= 0x10_ff_ffn && isPrintable(Number(value));
  return padWithSpaces(isShown ? `${text} '${String.fromCodePoint(Number(value))}'` : text, layout);
}

const bigBases: Readonly<Record<string, number>> = { ...bases, s: 10 };

/** Integers of more than 64 bits; null: they have no such verb. */
export function formatBigInteger(value: bigint, verb: string, layout: Layout): string | null {
  const base = bigBases[verb];
  if (base === undefined) return null;
  const isNegative = value < 0n;
  const digits = (isNegative ? -value : value).toString(base);
  const plus = layout.plus || layout.plusV;
  const sign = isNegative ? "-" : signOf({ ...layout, plus });
  const isSharp = layout.sharp || layout.sharpV;
  const prefix = verb === "O" ? "0o" : isSharp ? bigPrefixOf(base) : "";
  const head = sign + (verb === "X" ? prefix.toUpperCase() : prefix);
  const cased = verb === "X" ? digits.toUpperCase() : digits;
  return layOutBig(head, cased, layout);
}

function bigPrefixOf(base: number): string {
  return base === 2 ? "0b" : base === 8 ? "0" : base === 16 ? "0x" : "";
}

function layOutBig(head: string, digits: string, layout: Layout): string {
  const number = digits.padStart(layout.precision ?? 0, "0");
  const missing = Math.max((layout.width ?? 0) - head.length - number.length, 0);
  if (layout.minus) return head + number + " ".repeat(missing);
  if (layout.zero && layout.precision === null) return head + "0".repeat(missing) + number;
  return " ".repeat(missing) + head + number;
}

const floatVerbs: Readonly<Record<string, readonly [verb: FloatVerb, precision: number]>> = {
  v: ["g", -1],
  b: ["b", -1],
  g: ["g", -1],
  G: ["G", -1],
  x: ["x", -1],
  X: ["X", -1],
  f: ["f", 6],
  F: ["f", 6],
  e: ["e", 6],
  E: ["E", 6],
};

/** null: a double has no such verb. */
export function formatDouble(value: number, verb: string, layout: Layout): string | null {
  const row = floatVerbs[verb];
  if (row === undefined) return null;
  const [name, usual] = row;
  const precision = layout.precision ?? usual;
  const plain = formatFloat(value, name, precision);
  const isNegative = plain.startsWith("-");
  const size = isNegative ? plain.slice(1) : plain;
  const kept = layout.sharp && name !== "b" ? keepZeros(size, name, precision) : size;
  const sign = isNegative ? "-" : signOf(layout);
  if (sign === "" || !layout.zero || layout.minus) return pad(sign + kept, layout);
  return sign + kept.padStart((layout.width ?? 0) - 1, "0");
}

/** The flag `#`: a decimal point always, and with `%g` the zeros at the end. */
function keepZeros(size: string, verb: FloatVerb, precision: number): string {
  const isHex = verb === "x" || verb === "X";
  const tailAt = size.search(isHex ? /[pP]/ : /[eE]/);
  const [head, tail] = tailAt < 0 ? [size, ""] : [size.slice(0, tailAt), size.slice(tailAt)];
  const counts = verb === "g" || verb === "G" || verb === "x";
  const wanted = counts ? (precision < 0 ? 6 : precision) : 0;
  const significant = head.replace(".", "").replace(/^0+/, "").length;
  const pointed = head.includes(".") ? head : `${head}.`;
  const isZero = head === "0";
  return pointed + "0".repeat(Math.max(wanted - significant - (isZero ? 1 : 0), 0)) + tail;
}
