/** The order in which Go's YAML library writes the keys of a mapping: numbers in them count. Pure. */

const letter = /^\p{L}$/u;
const digit = /^\p{Nd}$/u;

export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  const [a, b] = [Array.from(one), Array.from(other)];
  const at = a.findIndex((character, index) => character !== b[index]);
  const [x, y] = [a[at], b[at]];
  if (at < 0 || x === undefined || y === undefined) return a.length - b.length;
  if (letter.test(x) && letter.test(y)) return point(x) - point(y);
  if (letter.test(x) || letter.test(y)) {
    // After a digit, letters come before all else; otherwise after it.
    const isAfterDigit = at > 0 && digit.test(a[at - 1] ?? "");
    return letter.test(x) === isAfterDigit ? -1 : 1;
  }
  return compareRuns(a, b, at);
}

function compareRuns(a: readonly string[], b: readonly string[], at: number): number {
  const start = startsInsideNumber(a, b, at) ? 1n : 0n;
  const [one, other] = [readRun(a, at, start), readRun(b, at, start)];
  if (one.value !== other.value) return one.value < other.value ? -1 : 1;
  if (one.end !== other.end) return one.end - other.end;
  return point(a[at]) - point(b[at]);
}

/** Zeros that follow other digits count, those in front of a number do not. */
function startsInsideNumber(a: readonly string[], b: readonly string[], at: number): boolean {
  if (a[at] !== "0" && b[at] !== "0") return false;
  for (let before = at - 1; before >= 0; before -= 1) {
    const character = a[before] ?? "";
    if (!digit.test(character)) return false;
    if (character !== "0") return true;
  }
  return false;
}

interface Run {
  readonly value: bigint;
  readonly end: number;
}

/** The digits from `at`, in 64 bits, as in Go: long runs overflow. */
function readRun(characters: readonly string[], at: number, start: bigint): Run {
  let [value, end] = [start, at];
  for (; digit.test(characters[end] ?? ""); end += 1) {
    value = BigInt.asIntN(64, value * 10n + BigInt(point(characters[end]) - 48));
  }
  return { value, end };
}

function point(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}
