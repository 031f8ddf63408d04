/**
 * Binary floating-point numbers with a mantissa of 64 bits, which OPA calculates with where doubles
 * would not do. Rounding is that of Go's math/big, to the last bit. Pure.
 */

/** `mantissa` x 2^`exponent`, the sign in the mantissa. */
export interface BigFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const bits = 64;
/** Far beyond any quantity; what is larger or smaller by itself would take long to write out. */
const maxExponent = 5000;
const form = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/;

/** Stands for what is too small to be written out, and rounds as it does. */
const tiny: BigFloat = { mantissa: 1n, exponent: -4 * maxExponent };

/** null for what is not a decimal number, or one of more than 5,000 digits before its point. */
export function parseBigFloat(text: string): BigFloat | null {
  const [whole, sign, digits = "", fraction = "", exponent = "0"] = form.exec(text) ?? [];
  if (whole === undefined || digits + fraction === "") return null;
  const mantissa = BigInt(digits + fraction);
  if (mantissa === 0n) return { mantissa, exponent: 0 };
  const scale = Number(exponent) - fraction.length;
  if (scale > maxExponent) return null;
  const isTiny = scale < -maxExponent - digits.length - fraction.length;
  const size = isTiny ? tiny : scaleByTen(mantissa, scale);
  return sign === "-" ? { ...size, mantissa: -size.mantissa } : size;
}

export function multiply(one: BigFloat, other: BigFloat): BigFloat {
  return round(one.mantissa * other.mantissa, one.exponent + other.exponent, bits);
}

/** Without its fraction. */
export function truncate({ mantissa, exponent }: BigFloat): bigint {
  return exponent >= 0 ? mantissa << BigInt(exponent) : mantissa / (1n << BigInt(-exponent));
}

/** null when it has a fraction. */
export function toWhole(float: BigFloat): bigint | null {
  const whole = truncate(float);
  const isWhole = float.exponent >= 0 || whole << BigInt(-float.exponent) === float.mantissa;
  return isWhole ? whole : null;
}

function scaleByTen(mantissa: bigint, scale: number): BigFloat {
  if (scale === 0) return round(mantissa, 0, bits);
  const power = powerOfFive(Math.abs(scale));
  if (scale > 0) return round(mantissa * power.mantissa, scale + power.exponent, bits);
  // Two bits more than are kept, and one that tells whether anything follows.
  const shift = Math.max(0, bits + 2 + countBits(power.mantissa) - countBits(mantissa));
  const dividend = mantissa << BigInt(shift);
  const rest = dividend % power.mantissa === 0n ? 0n : 1n;
  const quotient = ((dividend / power.mantissa) << 1n) | rest;
  return round(quotient, scale - power.exponent - shift - 1, bits);
}

/** Exact up to 5^27, and beyond it rounded at each step, where Go rounds. */
function powerOfFive(exponent: number): BigFloat {
  if (exponent <= 27) return { mantissa: 5n ** BigInt(exponent), exponent: 0 };
  let power: BigFloat = { mantissa: 5n ** 27n, exponent: 0 };
  let factor: BigFloat = { mantissa: 5n, exponent: 0 };
  for (let left = exponent - 27; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      power = round(power.mantissa * factor.mantissa, power.exponent + factor.exponent, bits + 64);
    }
    factor = round(factor.mantissa * factor.mantissa, factor.exponent * 2, bits + 128);
  }
  return power;
}

/** To the nearest, and from the middle to the even one. */
function round(mantissa: bigint, exponent: number, precision: number): BigFloat {
  const size = mantissa < 0n ? -mantissa : mantissa;
  const excess = countBits(size) - precision;
  if (excess <= 0) return { mantissa, exponent };
  const shift = BigInt(excess);
  const kept = size >> shift;
  const rest = size - (kept << shift);
  const half = 1n << (shift - 1n);
  const isUp = rest > half || (rest === half && kept % 2n === 1n);
  const rounded = isUp ? kept + 1n : kept;
  return { mantissa: mantissa < 0n ? -rounded : rounded, exponent: exponent + excess };
}

function countBits(value: bigint): number {
  const digits = (value < 0n ? -value : value).toString(16);
  return digits.length * 4 - Math.clz32(Number.parseInt(digits[0] ?? "0", 16)) + 28;
}
