/**
 * Reads the JSON of bundles, which may be large: as strict as RFC 8259, numbers as they are written,
 * the last of two members with one name, as in Go. Pure.
 */
import { RegoNumber } from "../rego/number.ts";
import type { Branch, Tree } from "./tree.ts";

/** Far beyond any real document, far below any stack. */
const maxDepth = 2000;

/** Throws a SyntaxError for anything but one JSON text. */
export function readJson(text: string): Tree {
  return new Reader(text).readAll();
}

const code = { quote: 0x22, comma: 0x2c, colon: 0x3a, backslash: 0x5c } as const;
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const words: readonly (readonly [string, Tree])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): Tree {
    this.#skip();
    const tree = this.#value();
    if (this.#at < this.#text.length) throw this.#fail("the end");
    return tree;
  }

  #fail(expected: string): SyntaxError {
    const found = JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
    return new SyntaxError(`expected ${expected} at ${this.#at}, found ${found}`);
  }

  #skip(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return;
      this.#at += 1;
    }
  }

  /** Goes past it and the space behind it, if it is there. */
  #takes(char: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== char) return false;
    this.#at += 1;
    this.#skip();
    return true;
  }

  /** And the space behind it. */
  #value(): Tree {
    const tree = this.#read();
    this.#skip();
    return tree;
  }

  #read(): Tree {
    const char = this.#text.charCodeAt(this.#at);
    if (char === code.quote) return this.#string();
    if (char !== openObject && char !== openList) return this.#scalar();
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new SyntaxError(`it is nested deeper than ${maxDepth}`);
    const tree = char === openObject ? this.#object() : this.#list();
    this.#depth -= 1;
    return tree;
  }

  #object(): Branch {
    const branch: Branch = new Map();
    this.#takes(openObject);
    if (this.#text.charCodeAt(this.#at) !== closeObject) {
      do {
        if (this.#text.charCodeAt(this.#at) !== code.quote) throw this.#fail("a name");
        const name = this.#string();
        this.#skip();
        if (!this.#takes(code.colon)) throw this.#fail('":"');
        branch.set(name, this.#value());
      } while (this.#takes(code.comma));
    }
    return this.#close(closeObject, branch);
  }

  #list(): Tree[] {
    const list: Tree[] = [];
    this.#takes(openList);
    if (this.#text.charCodeAt(this.#at) !== closeList) {
      do list.push(this.#value());
      while (this.#takes(code.comma));
    }
    return this.#close(closeList, list);
  }

  #close<T>(char: number, tree: T): T {
    if (this.#text.charCodeAt(this.#at) !== char) throw this.#fail(String.fromCharCode(char));
    this.#at += 1;
    return tree;
  }

  #string(): string {
    const start = this.#at + 1;
    for (let at = start; at < this.#text.length; at += 1) {
      const char = this.#text.charCodeAt(at);
      if (char === code.quote) {
        this.#at = at + 1;
        return this.#text.slice(start, at);
      }
      if (char === code.backslash || char < 0x20) return this.#escaped(start - 1, at);
    }
    throw this.#fail("a string");
  }

  /** With something in it that has to be understood, or refused; from `at` on. */
  #escaped(start: number, from: number): string {
    let at = from;
    while (at < this.#text.length && this.#text.charCodeAt(at) !== code.quote) {
      at += this.#text.charCodeAt(at) === code.backslash ? 2 : 1;
    }
    const parsed: unknown = JSON.parse(this.#text.slice(start, at + 1));
    this.#at = at + 1;
    return typeof parsed === "string" ? parsed : "";
  }

  #scalar(): Tree {
    for (const [word, tree] of words) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return tree;
    }
    number.lastIndex = this.#at;
    const text = number.exec(this.#text)?.[0];
    const parsed = text === undefined ? null : RegoNumber.parse(text);
    if (text === undefined || parsed === null) throw this.#fail("a value");
    this.#at += text.length;
    return parsed;
  }
}
