/**
 * Rego's numbers: decimal texts of any size, as in JSON. Arithmetic is done by whoever needs it, on
 * what they ask for here: a double, a whole number, or digits and exponent. Pure.
 */

/** Beyond it, the digits of a whole number are not written out: nobody means `1e999999`. */
const maxExponent = 5000;

const form = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;

/** `digits` x 10^`exponent`, without zeros at either end; zero has no digits. */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

export class RegoNumber {
  /** As it was written: `1`, `1.0`, `1e3`. */
  readonly text: string;
  #decimal: Decimal | null = null;

  /** `text` has to be a number as JSON writes it. */
  private constructor(text: string) {
    this.text = text;
  }

  /** null when the text is not a number as JSON writes it. */
  static parse(text: string): RegoNumber | null {
    return form.test(text) ? new RegoNumber(text) : null;
  }

  /** Throws a RangeError for what is no number in Rego: NaN and the infinities. */
  static of(value: number | bigint): RegoNumber {
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new RangeError(`${value} is not a number in Rego`);
    }
    return new RegoNumber(Object.is(value, -0) ? "0" : String(value).replace("e+", "e"));
  }

  toNumber(): number {
    return Number(this.text);
  }

  /** The whole number that it is, however it was written; null when it has a fraction. */
  toInteger(): bigint | null {
    if (/^-?\d{1,15}$/.test(this.text)) return BigInt(this.text);
    const { negative, digits, exponent } = this.decimal();
    if (digits === "") return 0n;
    if (exponent < 0 || exponent > maxExponent) return null;
    const size = BigInt(digits) * 10n ** BigInt(exponent);
    return negative ? -size : size;
  }

  /** As `toInteger`, and null as well when a double cannot count that far. */
  toSafeInteger(): number | null {
    const integer = this.toInteger();
    const number = Number(integer);
    return integer !== null && Number.isSafeInteger(number) ? number : null;
  }

  decimal(): Decimal {
    this.#decimal ??= normalize(this.text);
    return this.#decimal;
  }

  /** One text for all ways of writing the same number. */
  normal(): string {
    if (/^-?[1-9]\d{0,14}$/.test(this.text)) return this.text;
    const integer = this.toInteger();
    if (integer !== null) return String(integer);
    const { negative, digits, exponent } = this.decimal();
    return `${negative ? "-" : ""}${digits}e${exponent}`;
  }
}

function normalize(text: string): Decimal {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = form.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  return {
    negative: sign === "-" && digits !== "",
    digits,
    exponent: digits === "" ? 0 : Number(exponent) - fraction.length + all.length - digits.length,
  };
}

export function compareNumbers(one: RegoNumber, other: RegoNumber): number {
  const difference = one.toNumber() - other.toNumber();
  if (difference !== 0 && Number.isFinite(difference)) return difference;
  const [a, b] = [one.decimal(), other.decimal()];
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const order = compareSizes(a, b);
  return a.negative ? -order : order;
}

function compareSizes(a: Decimal, b: Decimal): number {
  if (a.digits === "" || b.digits === "") return a.digits.length - b.digits.length;
  const magnitude = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  if (magnitude !== 0) return magnitude;
  const width = Math.max(a.digits.length, b.digits.length);
  const [x, y] = [a.digits.padEnd(width, "0"), b.digits.padEnd(width, "0")];
  return x === y ? 0 : x < y ? -1 : 1;
}
