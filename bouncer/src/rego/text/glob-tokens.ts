/**
 * The patterns of `regex.globs_match`: characters, `.` for any character, sets such as `[a-z]`, each
 * with `+` or `*` behind it or not; a backslash takes the meaning from what follows. Pure.
 */
import { BuiltinError } from "../builtin.ts";

/** First and last code point. */
export type Range = readonly [first: number, last: number];

export interface Token {
  readonly kind: "character" | "set" | "any";
  readonly ranges: readonly Range[];
  readonly flag: "" | "+" | "*";
}

interface Read {
  readonly character: string;
  readonly isEscaped: boolean;
}

export function parseGlob(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const scanner = new Scanner(text);
  for (let token = scanner.token(); token !== null; token = scanner.token()) {
    const last = tokens.at(-1);
    if (last === undefined || last.flag === "" || token.flag === "" || !isSame(last, token)) {
      tokens.push(token);
    } else {
      // One or more and any count of the same are one or more of it, in either order.
      const flag = token.flag === "+" || last.flag === "+" ? "+" : "*";
      tokens[tokens.length - 1] = { ...last, flag };
    }
  }
  return tokens;
}

function isSame(one: Token, other: Token): boolean {
  return one.kind === other.kind && String(one.ranges) === String(other.ranges);
}

class Scanner {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  #read(): Read | null {
    const character = this.#characters[this.#at];
    if (character === undefined) return null;
    this.#at += 1;
    if (character !== "\\") return { character, isEscaped: false };
    const escaped = this.#characters[this.#at];
    if (escaped === undefined) throw new BuiltinError("a pattern ends with a backslash");
    this.#at += 1;
    return { character: escaped, isEscaped: true };
  }

  token(): Token | null {
    const read = this.#read();
    return read === null ? null : { ...this.#meaning(read), flag: this.#flag() };
  }

  #meaning({ character, isEscaped }: Read): Omit<Token, "flag"> {
    if (!isEscaped) {
      if (character === ".") return { kind: "any", ranges: [] };
      if (character === "[") return { kind: "set", ranges: merge(this.#set()) };
      if (character === "]") throw new BuiltinError("there is a ] without a [ before it");
      if (character === "+" || character === "*") {
        throw new BuiltinError(`there is nothing before ${character} that could be repeated`);
      }
    }
    return { kind: "character", ranges: [toRange(character, character)] };
  }

  #flag(): Token["flag"] {
    const character = this.#characters[this.#at];
    if (character === "\\" && this.#at + 1 === this.#characters.length) {
      throw new BuiltinError("a pattern ends with a backslash");
    }
    if (character !== "+" && character !== "*") return "";
    this.#at += 1;
    return character;
  }

  /** What follows a [. There is no negation: `^` stands for itself. */
  #set(): readonly Range[] {
    const ranges: Range[] = [];
    let previous: string | null = null;
    for (let read = this.#read(); read !== null; read = this.#read()) {
      if (!read.isEscaped && read.character === "]") return ranges;
      if (!read.isEscaped && read.character === "-") {
        if (previous === null) throw new BuiltinError("there is nothing before - in a set");
        ranges.push(toRange(previous, this.#end()));
        previous = null;
      } else {
        ranges.push(toRange(read.character, read.character));
        previous = read.character;
      }
    }
    throw new BuiltinError("there is a [ without a ] after it");
  }

  #end(): string {
    const isLast = this.#at >= this.#characters.length - 1;
    const read = isLast ? null : this.#read();
    if (read === null) throw new BuiltinError("there is nothing after - in a set");
    if (!read.isEscaped && (read.character === "]" || read.character === "-")) {
      throw new BuiltinError(`there is a ${read.character} after - in a set`);
    }
    return read.character;
  }
}

function toRange(first: string, last: string): Range {
  const [from, to] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
  if (to < from) throw new BuiltinError("a range in a set is the wrong way round");
  return [from, to];
}

/** In order and apart, so that equal sets look equal. */
function merge(ranges: readonly Range[]): readonly Range[] {
  const merged: Range[] = [];
  for (const [first, last] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const before = merged.at(-1);
    if (before === undefined || first > before[1] + 1) merged.push([first, last]);
    else merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
  }
  return merged;
}

/** There is a character that both stand for. Any character is one even of an empty set, as in OPA. */
export function overlaps(one: Token, other: Token): boolean {
  if (one.kind === "any" || other.kind === "any") return true;
  let [at, against] = [0, 0];
  for (;;) {
    const [range, counterpart] = [one.ranges[at], other.ranges[against]];
    if (range === undefined || counterpart === undefined) return false;
    if (range[0] <= counterpart[1] && counterpart[0] <= range[1]) return true;
    if (range[1] < counterpart[1]) at += 1;
    else against += 1;
  }
}
