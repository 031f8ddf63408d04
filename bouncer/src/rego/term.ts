/**
 * Rego values as text: the ground terms that cross the Wasm boundary (`opa_value_dump`,
 * `opa_value_parse`), which are JSON, and beyond it sets (`{1}`, `set()`) and keys of any type. Pure.
 */
import { RegoNumber } from "./number.ts";
import { isArray, RegoObject, RegoSet, type Value } from "./value.ts";

/** Far beyond any real document, far below any stack. */
const maxDepth = 2000;

/** Throws a SyntaxError for anything but one ground term. */
export function parseTerm(text: string): Value {
  return new Parser(text, true).parseAll();
}

/** JSON only, as strict as RFC 8259; of two members with one name the later one stays, as in Go. */
export function parseJson(text: string): Value {
  return new Parser(text, false).parseAll();
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
/** Policies write it so, and compiled ones keep it as it was written. */
const pointFirst = /-?\.\d+(?:[eE][-+]?\d+)?/y;
const spaces: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** What stands for itself between quotes: no escapes, no controls, no halves of characters. */
const plain = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

class Parser {
  readonly #text: string;
  /** Sets and keys that are not strings are understood. */
  readonly #isRego: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, isRego: boolean) {
    this.#text = text;
    this.#isRego = isRego;
  }

  parseAll(): Value {
    const value = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) throw this.#fail("end of text");
    return value;
  }

  #fail(expected: string): SyntaxError {
    const found = JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
    return new SyntaxError(`expected ${expected} at ${this.#at}, found ${found}`);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }

  #skip(): void {
    while (spaces.has(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #takes(token: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#fail(JSON.stringify(token));
  }

  #value(): Value {
    this.#skip();
    switch (this.#text.charAt(this.#at)) {
      case '"':
        return this.#string();
      case "[":
        return this.#nested(() => this.#array());
      case "{":
        return this.#nested(() => this.#braces());
      default:
        return this.#scalar();
    }
  }

  #scalar(): Value {
    const text = this.#match(number) ?? this.#pointFirst();
    const parsed = text === null ? null : RegoNumber.parse(text);
    if (parsed !== null) return parsed;
    if (this.#takes("null")) return null;
    if (this.#takes("true")) return true;
    if (this.#takes("false")) return false;
    if (this.#isRego && this.#takes("set()")) return new RegoSet();
    throw this.#fail("a value");
  }

  #pointFirst(): string | null {
    const text = this.#isRego ? this.#match(pointFirst) : null;
    return text === null ? null : text.replace(".", "0.");
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.startsWith('"', start) ? start : -1;
    do end = end < 0 ? -1 : this.#text.indexOf('"', end + 1);
    while (end > 0 && isEscaped(this.#text, end));
    if (end < 0) throw this.#fail("a string");
    this.#at = end + 1;
    const text = this.#text.slice(start + 1, end);
    if (plain.test(text)) return text;
    const parsed: unknown = JSON.parse(`"${text}"`);
    // Half a surrogate pair may be escaped; Go reads U+FFFD.
    return typeof parsed === "string" ? parsed.toWellFormed() : "";
  }

  #nested(parse: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new SyntaxError(`it is nested deeper than ${maxDepth}`);
    this.#at += 1;
    const value = parse();
    this.#depth -= 1;
    return value;
  }

  #array(): Value {
    const items: Value[] = [];
    if (this.#takes("]")) return items;
    do items.push(this.#value());
    while (this.#takes(","));
    this.#expect("]");
    return items;
  }

  #braces(): Value {
    if (this.#takes("}")) return new RegoObject();
    const first = this.#key();
    if (this.#isRego && !this.#takes(":")) return this.#set(first);
    if (!this.#isRego) this.#expect(":");
    const members: [Value, Value][] = [[first, this.#value()]];
    while (this.#takes(",")) {
      const key = this.#key();
      this.#expect(":");
      members.push([key, this.#value()]);
    }
    this.#expect("}");
    return new RegoObject(members);
  }

  #key(): Value {
    if (this.#isRego) return this.#value();
    this.#skip();
    return this.#string();
  }

  #set(first: Value): Value {
    const members = [first];
    while (this.#takes(",")) members.push(this.#value());
    this.#expect("}");
    return new RegoSet(members);
  }
}

/** An odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from -= 1;
  return (at - from) % 2 === 1;
}

/** What `parseTerm` reads back; members of sets and objects in Rego's order. */
export function printTerm(value: Value): string {
  if (value instanceof RegoSet) {
    return value.size === 0 ? "set()" : `{${value.sorted().map(printTerm).join(",")}}`;
  }
  if (value instanceof RegoObject) {
    const members = value.sorted().map(([key, item]) => `${printTerm(key)}:${printTerm(item)}`);
    return `{${members.join(",")}}`;
  }
  if (isArray(value)) return `[${value.map(printTerm).join(",")}]`;
  return printScalar(value);
}

/** As Rego makes JSON: sets become sorted arrays, keys that are not strings their JSON text. */
export function printJson(value: Value): string {
  if (value instanceof RegoSet) return `[${value.sorted().map(printJson).join(",")}]`;
  if (value instanceof RegoObject) {
    const members = value.sorted().map(([key, item]) => {
      const name = typeof key === "string" ? key : printJson(key);
      return `${JSON.stringify(name)}:${printJson(item)}`;
    });
    return `{${members.join(",")}}`;
  }
  if (isArray(value)) return `[${value.map(printJson).join(",")}]`;
  return printScalar(value);
}

function printScalar(value: null | boolean | string | RegoNumber): string {
  if (value instanceof RegoNumber) return value.text;
  // Half a surrogate pair has no UTF-8; U+FFFD takes its place, as in Go.
  return JSON.stringify(typeof value === "string" ? value.toWellFormed() : value);
}

/** A value made of what JSON.parse gives; throws a TypeError for anything else. */
export function fromJson(value: unknown): Value {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return RegoNumber.of(value);
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === "object") {
    return new RegoObject(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
  }
  throw new TypeError(`${typeof value} is not a value in Rego`);
}
