/** Durations as Go writes them, `1h30m`, and with OPA's days, weeks and years: `1y2w`. Pure. */

/** Nanoseconds. */
const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1000n],
  ["\u00B5s", 1000n],
  ["\u03BCs", 1000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);
const longUnitHours: ReadonlyMap<string, number> = new Map([
  ["d", 24],
  ["w", 7 * 24],
  ["y", 365 * 24],
]);
const limit = 2n ** 63n;

/** null for a text that is no duration, or one of more than 292 years. */
export function parseDuration(text: string): bigint | null {
  const rewritten = /[dwy]/.test(text) ? rewriteLongUnits(text) : text;
  if (rewritten === null) return null;
  const isNegative = rewritten.startsWith("-");
  const rest = rewritten.replace(/^[-+]/, "");
  if (rest === "0") return 0n;
  const total = rest === "" ? null : addUp(rest);
  if (total === null || total > limit) return null;
  if (isNegative) return -total;
  return total === limit ? null : total;
}

function addUp(text: string): bigint | null {
  const part = /(\d*)(?:\.(\d*))?([^.\d]+)/y;
  let total = 0n;
  while (part.lastIndex < text.length) {
    const [, whole = "", fraction = "", unitName = ""] = part.exec(text) ?? [];
    const unit = units.get(unitName);
    if (unit === undefined || whole + fraction === "") return null;
    // What has that many digits is too long in any unit, and long to read.
    if (whole.replace(/^0+/, "").length > 19) return null;
    const size = BigInt(whole || "0") * unit + scale(fraction, unit);
    if (size > limit) return null;
    // Twice the longest one is nothing: it runs over 64 bits, and Go does not see it.
    total = BigInt.asUintN(64, total + size);
    if (total > limit) return null;
  }
  return total;
}

/** A fraction of a unit, with the rounding of a double, as in Go. */
function scale(fraction: string, unit: bigint): bigint {
  let [value, digits] = [0n, 0];
  for (const digit of fraction) {
    const next = value * 10n + BigInt(digit);
    if (value > (limit - 1n) / 10n || next > limit) break;
    [value, digits] = [next, digits + 1];
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / 10 ** digits)));
}

/** `1d2h` to `24h2h`; null where a text with a long unit is not numbers and units throughout. */
function rewriteLongUnits(text: string): string | null {
  const part = /([\d.]+)(ms|us|\u00B5s|ns|[a-z])/y;
  const sign = /^[-+]?/.exec(text)?.[0] ?? "";
  part.lastIndex = sign.length;
  let rewritten = sign;
  while (part.lastIndex < text.length) {
    const [whole, digits = "", unit = ""] = part.exec(text) ?? [];
    if (whole === undefined) return null;
    const hours = longUnitHours.get(unit);
    const printed = hours === undefined ? whole : multiply(digits, hours);
    if (printed === null) return null;
    rewritten += printed;
  }
  return rewritten === sign ? null : rewritten;
}

function multiply(digits: string, hours: number): string | null {
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(digits)) return null;
  const product = Number(digits) * hours;
  // Years beyond any duration, which JavaScript would write with an exponent.
  if (product >= 1e21) return null;
  const [mantissa = "", exponent] = String(product).split("e-");
  if (exponent === undefined) return `${mantissa}h`;
  return `0.${"0".repeat(Number(exponent) - 1)}${mantissa.replace(".", "")}h`;
}
