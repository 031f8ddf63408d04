/** Floating-point numbers as Go prints them when it is asked for the shortest text ("%g"). Pure. */

/** The shortest digits that mean this number: the first one stands before the point. */
interface Shortest {
  readonly digits: string;
  readonly exponent: number;
}

function shortest(size: number): Shortest {
  const [mantissa = "0", exponent = "0"] = size.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

/** The same for single precision: fewer digits tell such numbers apart. */
function shortestSingle(size: number): Shortest {
  for (let digits = 0; digits < 9; digits += 1) {
    const text = size.toExponential(digits);
    if (Math.fround(Number(text)) === size) return shortest(Number(text));
  }
  return shortest(size);
}

export function printDouble(value: number): string {
  return print(value, shortest);
}

export function printSingle(value: number): string {
  return print(Math.fround(value), shortestSingle);
}

function print(value: number, digitsOf: (size: number) => Shortest): string {
  if (Number.isNaN(value)) return ".nan";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return `${sign}.inf`;
  if (size === 0) return `${sign}0`;
  const { digits, exponent } = digitsOf(size);
  if (exponent < -4 || exponent >= 6) {
    return sign + printExponential(digits, exponent);
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

function printExponential(digits: string, exponent: number): string {
  const fraction = digits.slice(1);
  const size = String(Math.abs(exponent)).padStart(2, "0");
  const mantissa = `${digits.slice(0, 1)}${fraction === "" ? "" : `.${fraction}`}`;
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
}
