/** A text that is read as a time, from left to right. Pure. */

export function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

export class TimeText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  rest(): string {
    return this.#text.slice(this.#at);
  }

  peek(length: number): string {
    return this.#text.slice(this.#at, this.#at + length);
  }

  /** Up to `length` characters. */
  take(length: number): string {
    const taken = this.peek(length);
    this.#at += taken.length;
    return taken;
  }

  takeIf(expected: string): boolean {
    if (this.peek(expected.length) !== expected) return false;
    this.#at += expected.length;
    return true;
  }

  /** A point or a comma and all digits after it. */
  takeFraction(): string {
    let end = this.#at + 1;
    while (isDigit(this.#text[end])) end += 1;
    return this.take(end - this.#at);
  }

  skipSpaces(most: number): void {
    for (let left = most; left > 0 && this.#text[this.#at] === " "; left -= 1) this.#at += 1;
  }

  /** Any number of spaces counts as one, and at the end as none. */
  skip(literal: string): boolean {
    let at = 0;
    while (at < literal.length) {
      if (literal[at] === " ") {
        if (!this.isAtEnd() && this.#text[this.#at] !== " ") return false;
        while (literal[at] === " ") at += 1;
        this.skipSpaces(Infinity);
      } else {
        if (this.#text[this.#at] !== literal[at]) return false;
        at += 1;
        this.#at += 1;
      }
    }
    return true;
  }

  /** As many digits as there are, up to `most`; null when they are fewer than `least`. */
  number(least: number, most: number): number | null {
    let end = this.#at;
    while (end < this.#at + most && isDigit(this.#text[end])) end += 1;
    return end - this.#at < least ? null : Number(this.take(end - this.#at));
  }

  /** The index of the name that stands here, in letters of either case, or -1. */
  oneOf(names: readonly string[]): number {
    const found = names.findIndex((name) => isSameInAscii(this.peek(name.length), name));
    this.take(names[found]?.length ?? 0);
    return found;
  }
}

function isSameInAscii(text: string, name: string): boolean {
  return /^[A-Za-z]+$/.test(text) && text.toLowerCase() === name.toLowerCase();
}

/** Of Go's kind, with a sign of either sort; null for anything else. */
export function readInteger(text: string): number | null {
  return /^[-+]?\d*$/.test(text) ? Number(/\d$/.test(text) ? text : 0) : null;
}

/** `.5` is half a second; digits beyond the ninth are not looked at. */
export function readNanoseconds(fraction: string): number | null {
  if (!/^[.,]/.test(fraction)) return null;
  const digits = fraction.slice(1, 10);
  const number = readInteger(digits);
  return number === null || number < 0 ? null : number * 10 ** (9 - digits.length) + 0;
}
