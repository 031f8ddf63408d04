/** Numbers of several rounds in numbers that can be compared. Pure. */

/** The middle of several rounds, and how far apart these were. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

const ascending = (values: readonly number[]): readonly number[] =>
  values.toSorted((one, other) => one - other);

/** Between the middle two of an even number. Nothing measured is not a number. */
export function medianOf(values: readonly number[]): number {
  const sorted = ascending(values);
  const half = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = Number.isInteger(half)
    ? [sorted[half - 1], sorted[half]]
    : [sorted[Math.floor(half)], sorted[Math.floor(half)]];
  return (low + high) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return {
    median: medianOf(values),
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
  };
}

/** Nearest rank: a number that was measured. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
