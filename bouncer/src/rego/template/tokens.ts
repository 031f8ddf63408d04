/** Templates in Go's language (text/template), cut into tokens. Pure. */
import { BuiltinError } from "../builtin.ts";

export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "space"
  | "identifier"
  | "keyword"
  | "field"
  | "variable"
  | "dot"
  | "nil"
  | "bool"
  | "string"
  | "character"
  | "number"
  | "assign"
  | "declare"
  | "pipe"
  | "open"
  | "close"
  | "other"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const keywords = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);

const rightDelimiter = /(?:[ \t\r\n]-)?\}\}/y;
const comment = /\{\{(?:-[ \t\r\n])?\/\*/y;

/** In this order; each at the place where the last one ended. */
const rules: readonly (readonly [kind: TokenKind, pattern: RegExp])[] = [
  // A space before -}} belongs to that.
  ["space", /[ \t\r\n]+?(?=[ \t\r\n]-\}\})|[ \t\r\n]+/y],
  ["declare", /:=/y],
  ["assign", /=/y],
  ["pipe", /\|/y],
  ["string", /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`/y],
  ["character", /'(?:[^'\\\n]|\\[^\n])*'/y],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["field", /\.(?![0-9])[\p{L}\p{Nd}_]*/uy],
  ["number", /(?:[+-]|\.?[0-9])[\p{L}\p{Nd}_.]*(?:(?<=[eEpP])[+-][\p{L}\p{Nd}_]*)?/uy],
  ["identifier", /[\p{L}\p{Nd}_]+/uy],
  ["open", /\(/y],
  ["close", /\)/y],
  ["other", /[!-~]/y],
];

/** What has to come after a word: `$x+2` is not taken for two of them. */
const terminator = /[ \t\r\n.,|:()]|\}\}|$/y;

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly Token[] {
    while (this.#at < this.#text.length) {
      const left = this.#text.indexOf("{{", this.#at);
      this.#plain(left < 0 ? this.#text.length : left, left >= 0);
      if (left >= 0) this.#tag();
    }
    this.#push("end", "");
    return this.#tokens;
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text });
  }

  /** The text up to an action; `{{- ` takes the space from its end. */
  #plain(end: number, isBeforeAction: boolean): void {
    const text = this.#text.slice(this.#at, end);
    const trims = isBeforeAction && /^-[ \t\r\n]/.test(this.#text.slice(end + 2, end + 4));
    const kept = trims ? trimEnd(text) : text;
    if (kept !== "") this.#push("text", kept);
    this.#at = end;
  }

  #tag(): void {
    if (this.#match(comment) !== null) {
      const end = this.#text.indexOf("*/", this.#at);
      if (end < 0) throw new BuiltinError("a comment has no end");
      this.#at = end + 2;
      if (!this.#closes()) throw new BuiltinError("a comment ends before its action");
      return;
    }
    this.#at += /^-[ \t\r\n]/.test(this.#text.slice(this.#at + 2, this.#at + 4)) ? 4 : 2;
    this.#push("left", "{{");
    let depth = 0;
    while (!this.#closes()) {
      const kind = this.#inside();
      depth += kind === "open" ? 1 : kind === "close" ? -1 : 0;
      if (depth < 0) throw new BuiltinError("there is a ) without a ( before it");
    }
    if (depth > 0) throw new BuiltinError("there is a ( without a ) after it");
    this.#push("right", "}}");
  }

  #closes(): boolean {
    const found = this.#match(rightDelimiter);
    if (found === null) return false;
    if (found.length > 2) this.#match(/[ \t\r\n]*/y);
    return true;
  }

  #inside(): TokenKind {
    for (const [kind, pattern] of rules) {
      const text = this.#match(pattern);
      if (text !== null) return this.#word(kind, text);
    }
    throw new BuiltinError("an action has no end, or a character that is not allowed there");
  }

  #word(kind: TokenKind, text: string): TokenKind {
    const isWord = kind === "identifier" || kind === "field" || kind === "variable";
    if (isWord && !this.#isAtTerminator()) throw new BuiltinError(`there is no word ${text}`);
    const exact = kind === "identifier" ? classify(text) : text === "." ? "dot" : kind;
    this.#push(exact, text);
    return exact;
  }

  #isAtTerminator(): boolean {
    terminator.lastIndex = this.#at;
    return terminator.test(this.#text);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }
}

function classify(word: string): TokenKind {
  if (keywords.has(word)) return "keyword";
  if (word === "true" || word === "false") return "bool";
  return word === "nil" ? "nil" : "identifier";
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && " \t\r\n".includes(text[end - 1] ?? "")) end -= 1;
  return text.slice(0, end);
}

export function tokenize(text: string): readonly Token[] {
  return new Lexer(text).run();
}
