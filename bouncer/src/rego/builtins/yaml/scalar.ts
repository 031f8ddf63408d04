/** Strings as Go's YAML library writes them: plain where that is safe, quoted, or as a block. Pure. */
import { resolve } from "./resolve.ts";

/** What the characters of a string allow, apart from what the string would mean. */
interface Shape {
  readonly isMultiline: boolean;
  readonly allowsPlain: boolean;
  readonly allowsSingleQuotes: boolean;
  readonly allowsBlock: boolean;
}

const breaks = "\\n\\r\\u{85}\\u{2028}\\u{2029}";
const hasBreak = new RegExp(`[${breaks}]`, "u");
const hasEdge = new RegExp(`^[ ${breaks}]|[ ${breaks}]$`, "u");
const hasSpaceAfterBreak = new RegExp(`[${breaks}] `, "u");
const hasSpaceBeforeBreak = new RegExp(` [${breaks}]`, "u");
/** Go's list of what can be printed ends at U+FFFD: what is above is escaped. */
const special = /[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
/** Would end the scalar or begin something else, where it stands outside of brackets. */
const hasIndicator = new RegExp(
  `^---|^\\.\\.\\.|^[#,\\[\\]{}&*!|>'"%@\`]|^[-?](?:[ \\t]|$)|:(?:[ \\t]|$)|[ \\t${breaks}\\0]#`,
  "u",
);

function shapeOf(text: string): Shape {
  const isMultiline = hasBreak.test(text);
  const isSpecial = special.test(text) || hasSpaceBeforeBreak.test(text);
  const allowsSingleQuotes = !isSpecial && !text.includes("\t") && !hasSpaceAfterBreak.test(text);
  return {
    isMultiline,
    allowsPlain:
      allowsSingleQuotes && !isMultiline && !hasEdge.test(text) && !hasIndicator.test(text),
    allowsSingleQuotes,
    allowsBlock: !isSpecial && !text.endsWith(" "),
  };
}

const base60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const oldBoolean = /^(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/;

/** Would be read as something else than this string, now or by parsers of YAML 1.1. */
function meansOther(text: string): boolean {
  return resolve(text).kind !== "string" || base60.test(text) || oldBoolean.test(text);
}

/** A key that stands on the line of its value; others get a line and a question mark of their own. */
export function isSimpleKey(text: string): boolean {
  return new TextEncoder().encode(text).length <= 128 && !hasBreak.test(text);
}

/** `indent` is that of the lines of a block. */
export function writeString(text: string, indent: string, isSimple = false): string {
  const shape = shapeOf(text);
  if (text.includes("\n")) {
    return shape.allowsBlock && !isSimple ? writeBlock(text, indent) : writeDoubleQuoted(text);
  }
  if (meansOther(text)) return writeDoubleQuoted(text);
  if (shape.allowsPlain) return text;
  return shape.allowsSingleQuotes ? writeSingleQuoted(text, indent) : writeDoubleQuoted(text);
}

/** A line break inside is written as it is; the next line is indented. */
function writeSingleQuoted(text: string, indent: string): string {
  const indented = text.replace(new RegExp(`([${breaks}]+)(?=[^${breaks}])`, "gu"), `$1${indent}`);
  return `'${indented.replaceAll("'", "''")}'`;
}

function writeBlock(text: string, indent: string): string {
  const hint = new RegExp(`^[ ${breaks}]`, "u").test(text) ? "2" : "";
  const last = new RegExp(`[${breaks}]$`, "u").test(text);
  const isKept = last && new RegExp(`^.?$|[${breaks}].$`, "su").test(text);
  const chomp = last ? (isKept ? "+" : "") : "-";
  const lines = text.replace(new RegExp(`(^|[${breaks}])(?=[^${breaks}])`, "gu"), `$1${indent}`);
  return `|${hint}${chomp}\n${lines}`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\\0"],
  ["\u{7}", "\\a"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ["\u{1b}", "\\e"],
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u{85}", "\\N"],
  ["\u{a0}", "\\_"],
  ["\u{2028}", "\\L"],
  ["\u{2029}", "\\P"],
]);

const escaped = new RegExp(`["\\\\\\t${breaks}]|${special.source}`, "gu");

function writeDoubleQuoted(text: string): string {
  // Of a string that begins with a byte order mark, Go's library escapes all characters.
  const pattern = text.startsWith("\u{feff}") ? /./gsu : escaped;
  return `"${text.replace(pattern, escape)}"`;
}

function escape(character: string): string {
  const short = escapes.get(character);
  if (short !== undefined) return short;
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}
