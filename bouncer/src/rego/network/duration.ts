/** Durations as Go writes them: `1.5s`, `1h30m`, `300ms`. Pure. */

const nanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Longer ones mean nothing that a shorter one cannot say. */
const maxLength = 100;

const maxInt64 = 2n ** 63n - 1n;

/** Nanoseconds; null when the text is no duration. A bare number is one of nanoseconds. */
export function parseTimeout(text: string): bigint | null {
  if (text.length > maxLength) return null;
  const [, sign = "", size = ""] = /^([-+]?)(.+)$/s.exec(text) ?? [];
  const total = /^\d+$/.test(size) ? BigInt(size) : sum(size);
  if (total === null || total > maxInt64) return null;
  return sign === "-" ? -total : total;
}

function sum(text: string): bigint | null {
  if (text === "") return null;
  let total = 0n;
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const [, number = "", unit = ""] = part.exec(text) ?? [];
    const factor = nanoseconds[unit];
    if (factor === undefined) return null;
    const [whole = "", fraction = ""] = number.split(".");
    total += BigInt(whole) * factor;
    if (fraction !== "") total += (BigInt(fraction) * factor) / 10n ** BigInt(fraction.length);
  }
  return total;
}
