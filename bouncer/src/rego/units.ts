/** Quantities with a unit: the number, exact, and the unit, as OPA takes them apart. Pure. */

export interface Quantity {
  readonly number: string;
  readonly unit: string;
}

/** Longer exponents are refused, however small they are. */
const maxExponentDigits = 6;

/** null when it has a space, has no number, or an exponent that is too long. */
export function splitQuantity(text: string): Quantity | null {
  if (text.includes(" ")) return null;
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (/[eE]/.test(character)) {
      const [exponent = "", digits = ""] =
        /^[eE](?:[-+]|(?=\d))(\d*)/.exec(text.slice(at, at + 10)) ?? [];
      if (exponent === "") break;
      if (digits.length > maxExponentDigits) return null;
      at += /^.[-+]/.test(exponent) ? 2 : 1;
    } else if (/[\d.+-]/.test(character)) {
      at += 1;
    } else {
      break;
    }
  }
  return at === 0 ? null : { number: text.slice(0, at), unit: text.slice(at) };
}

export interface Fraction {
  readonly numerator: bigint;
  /** Above zero. */
  readonly denominator: bigint;
}

/** Digits after the point that are kept. */
const digitsKept = 10;
/** Numbers with more digits than that nobody means, and writing them out takes long. */
const maxDigits = 5000;
const form = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/;

/** `number` x `factor`, exact or to ten digits after the point; null for what is no number. */
export function scaleQuantity(number: string, factor: Fraction): string | null {
  const [whole, sign, digits = "", fraction = "", exponent = "0"] = form.exec(number) ?? [];
  if (whole === undefined || digits + fraction === "") return null;
  const mantissa = (digits + fraction).replace(/^0+/, "");
  if (mantissa === "") return "0";
  const scale = Number(exponent) - fraction.length;
  if (mantissa.length + scale > maxDigits) return null;
  return (sign === "-" ? "-" : "") + scaleDigits(mantissa, scale, factor);
}

/** `mantissa` x 10^`scale` x `factor`. */
function scaleDigits(mantissa: string, scale: number, factor: Fraction): string {
  // Below all that is kept, even with the largest of the units.
  if (mantissa.length + scale < -40) return printDecimal(0n);
  const numerator = BigInt(mantissa) * factor.numerator * 10n ** BigInt(Math.max(0, scale));
  const denominator = factor.denominator * 10n ** BigInt(Math.max(0, -scale));
  if (numerator % denominator === 0n) return String(numerator / denominator);
  // Halves go away from zero.
  const doubled = numerator * 10n ** BigInt(digitsKept) * 2n;
  return printDecimal((doubled + denominator) / (denominator * 2n));
}

function printDecimal(scaled: bigint): string {
  const digits = String(scaled).padStart(digitsKept + 1, "0");
  return `${digits.slice(0, -digitsKept)}.${digits.slice(-digitsKept)}`;
}
