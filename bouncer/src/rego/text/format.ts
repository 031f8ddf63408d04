/**
 * Go's fmt.Sprintf for what Rego's values become in Go. What goes wrong is written into the text, as
 * Go does: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int64=1)`. Pure.
 */
import { BuiltinError } from "../builtin.ts";
import { type Argument, isBigInteger, printArgument, typeName } from "./argument.ts";
import { createLayout, type Layout } from "./layout.ts";

/** A format of some bytes can ask for widths of a million each. */
const maxLength = 2 ** 24;

/** Widths, precisions and indexes beyond it count as none. */
const maxNumber = 1e6;

export function formatText(format: string, values: readonly Argument[]): string {
  return new Formatter(format, values).run();
}

class Formatter {
  readonly #format: string;
  readonly #values: readonly Argument[];
  #at = 0;
  #next = 0;
  #isReordered = false;
  #isGoodIndex = true;
  #isAfterIndex = false;
  readonly #parts: string[] = [];
  #length = 0;

  constructor(format: string, values: readonly Argument[]) {
    this.#format = format;
    this.#values = values;
  }

  run(): string {
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf("%", this.#at);
      if (percent < 0) {
        this.#write(this.#format.slice(this.#at));
        break;
      }
      this.#write(this.#format.slice(this.#at, percent));
      this.#at = percent + 1;
      this.#verb(this.#flags());
    }
    if (!this.#isReordered && this.#next < this.#values.length) this.#extra();
    return this.#parts.join("");
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > maxLength) throw new BuiltinError(`the text is longer than ${maxLength}`);
    this.#parts.push(text);
  }

  #flags(): Layout {
    const layout = createLayout();
    for (; this.#at < this.#format.length; this.#at += 1) {
      const flag = this.#format[this.#at];
      if (flag === "#") layout.sharp = true;
      else if (flag === "0") layout.zero = true;
      else if (flag === "+") layout.plus = true;
      else if (flag === "-") layout.minus = true;
      else if (flag === " ") layout.space = true;
      else break;
    }
    return layout;
  }

  #verb(layout: Layout): void {
    this.#isGoodIndex = true;
    this.#isAfterIndex = false;
    this.#index();
    this.#width(layout);
    this.#precision(layout);
    if (!this.#isAfterIndex) this.#index();
    const codePoint = this.#format.codePointAt(this.#at);
    if (codePoint === undefined) {
      this.#write("%!(NOVERB)");
      return;
    }
    const verb = String.fromCodePoint(codePoint).toWellFormed();
    this.#at += codePoint > 0xff_ff ? 2 : 1;
    if (verb === "%") this.#write("%");
    else this.#operand(verb, layout);
  }

  #operand(verb: string, layout: Layout): void {
    const value = this.#values[this.#next];
    if (!this.#isGoodIndex) {
      this.#write(`%!${verb}(BADINDEX)`);
    } else if (value === undefined) {
      this.#write(`%!${verb}(MISSING)`);
    } else {
      if (verb === "v" || verb === "w") Object.assign(layout, asGoSyntax(layout));
      this.#write(printArgument(value, verb, layout));
      this.#next += 1;
    }
  }

  /** `[3]`: which argument comes next. */
  #index(): void {
    this.#isAfterIndex = false;
    if (this.#format[this.#at] !== "[") return;
    this.#isReordered = true;
    const close = this.#format.indexOf("]", this.#at);
    const text = close < 0 ? "" : this.#format.slice(this.#at + 1, close);
    this.#at = close < 0 ? this.#at + 1 : close + 1;
    const index = /^\d+$/.test(text) ? toCount(text) : null;
    if (index !== null && index >= 1 && index <= this.#values.length) {
      this.#next = index - 1;
      this.#isAfterIndex = true;
      return;
    }
    this.#isGoodIndex = false;
    this.#isAfterIndex = index !== null;
  }

  #width(layout: Layout): void {
    if (this.#format[this.#at] !== "*") {
      layout.width = this.#number();
      if (this.#isAfterIndex && layout.width !== null) this.#isGoodIndex = false;
      return;
    }
    this.#at += 1;
    const width = this.#star();
    if (width === null) this.#write("%!(BADWIDTH)");
    if (width !== null && width < 0) {
      layout.minus = true;
      layout.zero = false;
    }
    layout.width = width === null ? null : Math.abs(width);
    this.#isAfterIndex = false;
  }

  #precision(layout: Layout): void {
    if (this.#format[this.#at] !== "." || this.#at + 1 >= this.#format.length) return;
    this.#at += 1;
    if (this.#isAfterIndex) this.#isGoodIndex = false;
    this.#index();
    if (this.#format[this.#at] !== "*") {
      layout.precision = this.#number() ?? 0;
      return;
    }
    this.#at += 1;
    const precision = this.#star();
    layout.precision = precision !== null && precision >= 0 ? precision : null;
    if (layout.precision === null) this.#write("%!(BADPREC)");
    this.#isAfterIndex = false;
  }

  /** Digits of the format; a number out of bounds swallows the rest of the format. */
  #number(): number | null {
    const start = this.#at;
    while (isDigit(this.#format.charCodeAt(this.#at))) this.#at += 1;
    if (this.#at === start) return null;
    const count = toCount(this.#format.slice(start, this.#at));
    if (count === null) this.#at = this.#format.length;
    return count;
  }

  #star(): number | null {
    const value = this.#values[this.#next];
    if (value === undefined) return null;
    this.#next += 1;
    if (value.kind !== "integer" || isBigInteger(value)) return null;
    const number = Number(value.value);
    return Math.abs(number) > maxNumber ? null : number;
  }

  #extra(): void {
    const texts = this.#values
      .slice(this.#next)
      .map((value) =>
        value.kind === "nil"
          ? "<nil>"
          : `${typeName(value)}=${printArgument(value, "v", createLayout())}`,
      );
    this.#write(`%!(EXTRA ${texts.join(", ")})`);
  }
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** null: too large. The last digit may still bring it above the bound, as in Go. */
function toCount(digits: string): number | null {
  let count = 0;
  for (const digit of digits) {
    if (count > maxNumber) return null;
    count = count * 10 + Number(digit);
  }
  return count;
}

/** `%#v` and `%+v` mean another thing than `#` and `+` elsewhere. */
function asGoSyntax(layout: Layout): Partial<Layout> {
  return { sharpV: layout.sharp, sharp: false, plusV: layout.plus, plus: false };
}
