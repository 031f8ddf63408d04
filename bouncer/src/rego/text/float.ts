/**
 * Doubles as Go's strconv writes them: the shortest digits that are read back as the same number, or
 * a given count of them, rounded half to even from the exact value. Pure.
 */

/** `0.d1d2d3... x 10^point`, without zeros at the end; zero has no digits. */
interface Digits {
  readonly digits: string;
  readonly point: number;
}

export type FloatVerb = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

/** `precision` -1: as many digits as needed. The sign is there only when it is a minus. */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return sign + formatSize(Math.abs(value), verb, precision);
}

function formatSize(size: number, verb: FloatVerb, precision: number): string {
  if (verb === "b") return formatBinary(size);
  if (verb === "x") return formatHex(size, precision);
  if (verb === "X") return formatHex(size, precision).toUpperCase();
  if (verb === "g" || verb === "G") return formatGeneral(size, verb === "g" ? "e" : "E", precision);
  if (verb === "f") return formatFixed(size, precision);
  const digits = precision < 0 ? toShortest(size) : toRounded(size, precision + 1);
  return toExponent(digits, precision < 0 ? digits.digits.length - 1 : precision, verb);
}

function formatFixed(size: number, precision: number): string {
  if (precision >= 0) return toPlain(toFixed(size, precision), precision);
  const digits = toShortest(size);
  return toPlain(digits, Math.max(digits.digits.length - digits.point, 0));
}

function formatGeneral(size: number, exponent: "e" | "E", precision: number): string {
  const isShortest = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const digits = isShortest ? toShortest(size) : toRounded(size, wanted);
  const { length } = digits.digits;
  const all = isShortest ? length : wanted;
  const limit = isShortest ? 6 : wanted > length && length >= digits.point ? length : wanted;
  const magnitude = digits.point - 1;
  if (magnitude < -4 || magnitude >= limit) {
    return toExponent(digits, Math.min(all, length) - 1, exponent);
  }
  const shown = all > digits.point ? length : all;
  return toPlain(digits, Math.max(shown - digits.point, 0));
}

function toExponent({ digits, point }: Digits, precision: number, mark: "e" | "E"): string {
  const exponent = digits === "" ? 0 : point - 1;
  const [first, rest] = [digits.slice(0, 1) || "0", digits.slice(1, precision + 1)];
  const fraction = precision > 0 ? `.${rest.padEnd(precision, "0")}` : "";
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${first}${fraction}${mark}${exponent < 0 ? "-" : "+"}${size}`;
}

function toPlain({ digits, point }: Digits, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const fraction =
    "0".repeat(Math.min(Math.max(-point, 0), precision)) + digits.slice(Math.max(point, 0));
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

/** JavaScript's shortest digits are Go's, too. */
function toShortest(size: number): Digits {
  if (size === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = size.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

/** `count` digits after the first one that is not zero. */
function toRounded(size: number, count: number): Digits {
  return round(toExact(size), count);
}

/** `count` digits after the point. */
function toFixed(size: number, count: number): Digits {
  const exact = toExact(size);
  return round(exact, exact.point + count);
}

function round({ digits, point }: Digits, count: number): Digits {
  if (count < 0 || digits === "") return { digits: "", point: 0 };
  if (count >= digits.length) return { digits, point };
  const kept = BigInt(`0${digits.slice(0, count)}`);
  const rest = digits.slice(count);
  const isUp = rest === "5" ? kept % 2n === 1n : (rest[0] ?? "0") >= "5";
  if (!isUp) return trim(digits.slice(0, count), point);
  const up = String(kept + 1n).padStart(count, "0");
  return trim(up, point + up.length - count);
}

function trim(digits: string, point: number): Digits {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  return end === 0 ? { digits: "", point: 0 } : { digits: digits.slice(0, end), point };
}

/** Every double has finitely many decimal digits, at most 767. */
function toExact(size: number): Digits {
  if (size === 0) return { digits: "", point: 0 };
  const { mantissa, exponent } = split(size);
  if (exponent >= 0) {
    const digits = String(mantissa << BigInt(exponent));
    return trim(digits, digits.length);
  }
  const digits = String(mantissa * 5n ** BigInt(-exponent));
  return trim(digits, digits.length + exponent);
}

/** `mantissa` x 2^`exponent`, the mantissa as it is stored. */
function split(size: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const [stored, low] = [Number(bits >> 52n) & 0x7_ff, bits & 0xf_ffff_ffff_ffffn];
  if (stored === 0) return { mantissa: low, exponent: -1074 };
  return { mantissa: low | 0x10_0000_0000_0000n, exponent: stored - 1075 };
}

function formatBinary(size: number): string {
  const { mantissa, exponent } = split(size);
  return `${mantissa}p${exponent < 0 ? "" : "+"}${exponent}`;
}

function formatHex(size: number, precision: number): string {
  if (size === 0) return `0x0${precision > 0 ? `.${"0".repeat(precision)}` : ""}p+00`;
  const { mantissa: stored, exponent: scale } = split(size);
  const shift = 53 - stored.toString(2).length;
  let exponent = scale + 52 - shift;
  let mantissa = stored << BigInt(shift);
  if (precision >= 0 && precision < 13) {
    const cut = BigInt(52 - precision * 4);
    const [kept, rest] = [mantissa >> cut, mantissa & ((1n << cut) - 1n)];
    const half = 1n << (cut - 1n);
    const isUp = rest > half || (rest === half && kept % 2n === 1n);
    mantissa = (isUp ? kept + 1n : kept) << cut;
    if (mantissa >> 53n === 1n) {
      mantissa >>= 1n;
      exponent += 1;
    }
  }
  const all = (mantissa & 0xf_ffff_ffff_ffffn).toString(16).padStart(13, "0");
  const fraction =
    precision < 0 ? all.replace(/0+$/, "") : all.slice(0, precision).padEnd(precision, "0");
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `0x1${fraction === "" ? "" : `.${fraction}`}p${exponent < 0 ? "-" : "+"}${power}`;
}
