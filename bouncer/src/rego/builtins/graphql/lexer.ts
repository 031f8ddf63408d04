/** Tokens of GraphQL. Pure. */
import { BuiltinError } from "../../builtin.ts";

export type TokenKind =
  | "name"
  | "int"
  | "float"
  | "string"
  | "block"
  | "comment"
  | "punctuator"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
}

const ignored = /[\t ,\n\r\u{feff}]*/uy;
const tokens: readonly (readonly [TokenKind, RegExp])[] = [
  ["punctuator", /\.\.\.|[!$&():=@[\]{}|]/y],
  ["name", /[_A-Za-z]\w*/y],
  ["comment", /#[\t\x20-\u{10ffff}]*/uy],
  ["float", /-?(?:0(?!\d)|[1-9]\d*)(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)/y],
  ["int", /-?(?:0(?!\d)|[1-9]\d*)(?![.eE])/y],
  ["block", /"""(?:\\"""|(?!\\""")[^"]|"(?!""))*"{3,}/y],
  ["string", /"(?!"")(?:[^"\\\n\r]|\\(?:u[\da-fA-F]{4}|["\\/bfnrt]))*"|""/y],
];

export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Token {
    this.#match(ignored);
    if (this.#at >= this.#text.length) return { kind: "end", value: "" };
    for (const [kind, pattern] of tokens) {
      const found = this.#match(pattern);
      if (found !== null) return { kind, value: readValue(kind, found) };
    }
    throw new BuiltinError(`there is no GraphQL at ${this.#at}`);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }
}

const control = /[^\t\n\r\x20-\u{10ffff}]/u;

function readValue(kind: TokenKind, text: string): string {
  if (kind === "string") return readString(text.slice(1, -1));
  if (kind !== "block") return text;
  return readBlock(text.slice(3, -3));
}

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

function readString(text: string): string {
  if (control.test(text)) throw new BuiltinError("a string has a control character");
  return text.replace(/\\(?:u(.{4})|(.))/g, (_, code: string | undefined, sign: string) => {
    if (code === undefined) return escapes[sign] ?? sign;
    // Halves of a surrogate pair are each replaced, as Go does.
    return String.fromCharCode(Number.parseInt(code, 16)).toWellFormed();
  });
}

function isBlank(line: string): boolean {
  return /^[ \t]*$/.test(line);
}

/** Without the common indent of its lines, and the empty lines at both ends. */
function readBlock(text: string): string {
  if (control.test(text)) throw new BuiltinError("a string has a control character");
  const lines = text.replaceAll('\\"""', '"""').replaceAll(/\r\n?/g, "\n").split("\n");
  const indents = lines.flatMap((line) => {
    const indent = line.search(/[^ \t]/);
    return indent < 0 ? [] : [indent];
  });
  const common = indents.reduce((least, indent) => Math.min(least, indent), Infinity);
  const dedented = lines.map((line, index) =>
    index === 0 || common === Infinity ? line : line.slice(common),
  );
  const start = dedented.findIndex((line) => !isBlank(line));
  const end = dedented.findLastIndex((line) => !isBlank(line));
  return start < 0 ? "" : dedented.slice(start, end + 1).join("\n");
}
