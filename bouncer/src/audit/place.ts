/**
 * Finding one's way in a JSON text without parsing it: where values end, and which JSON pointer (RFC
 * 6901) leads to a place. The text is as `JSON.stringify` writes it, without white space. Strings
 * are jumped over: most of a text is in them. Pure.
 */
import { formatKey } from "./erase.ts";

const quoteMark = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Behind the closing quotation mark of the string that begins at `open`. */
export function endOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (text.charCodeAt(close - 1) === backslash && isEscaped(text, close)) {
    close = text.indexOf('"', close + 1);
  }
  return close + 1;
}

/** An odd number of backslashes is before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 2;
  while (text.charCodeAt(before) === backslash) before -= 1;
  return (at - before) % 2 === 0;
}

/** Behind the value that begins at `start`. */
export function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const code = text.charCodeAt(at);
    if (code === quoteMark) at = endOfString(text, at);
    else {
      if (code === openBrace || code === openBracket) depth += 1;
      else if (code === closeBrace || code === closeBracket) depth -= 1;
      at += 1;
    }
  } while (depth > 0 || !isEnd(text, at));
  return at;
}

function isEnd(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === comma || code === closeBrace || code === closeBracket || at >= text.length;
}

/** From a string in JSON to what it stands for. */
export function unquote(text: string): string {
  return text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1);
}

/** Moves forwards only. */
export class Place {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** Of each object around: where its present key begins; of each array: -1 - the present index. */
  readonly #trail: number[] = [0];
  /** Pointer to the object of the last key that was moved to, while we are in that object. */
  #around: string | null = null;
  #aroundDepth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** To where a key begins; answers with the pointer to it. */
  moveTo(key: number): string {
    while (this.#at < key) this.#step();
    if (this.#around === null || this.#aroundDepth !== this.#depth) {
      const around = this.#trail.slice(1, this.#depth);
      this.#around = around.map((at) => this.#stepAt(at)).join("");
      this.#aroundDepth = this.#depth;
    }
    return this.#around + this.#stepAt(key);
  }

  #stepAt(at: number): string {
    if (at < 0) return `/${-1 - at}`;
    return formatKey(unquote(this.#text.slice(at, endOfString(this.#text, at))));
  }

  #step(): void {
    const text = this.#text;
    const at = this.#at;
    const code = text.charCodeAt(at);
    if (code !== quoteMark) {
      this.#at = at + 1;
      this.#pass(code);
      return;
    }
    const end = endOfString(text, at);
    const isKey = text.charCodeAt(end) === colon;
    if (isKey) this.#trail[this.#depth] = at;
    this.#at = isKey ? end + 1 : end;
  }

  #pass(code: number): void {
    if (code === comma) this.#nextElement();
    else if (code === openBrace || code === openBracket) {
      this.#depth += 1;
      this.#trail[this.#depth] = code === openBracket ? -1 : 0;
    } else if (code === closeBrace || code === closeBracket) this.#close();
  }

  #close(): void {
    this.#depth -= 1;
    if (this.#depth < this.#aroundDepth) this.#around = null;
  }

  #nextElement(): void {
    const at = this.#trail[this.#depth] ?? 0;
    if (at < 0) this.#trail[this.#depth] = at - 1;
  }
}
