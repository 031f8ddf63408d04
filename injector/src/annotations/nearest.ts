/** Which known name somebody probably meant. Pure. */

/** Levenshtein distance: the least number of letters to insert, remove or replace. */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of one.split("").entries()) {
    const current = [row + 1];
    for (const [column, against] of other.split("").entries()) {
      const replaced = (previous[column] ?? 0) + (letter === against ? 0 : 1);
      const removed = (previous[column + 1] ?? 0) + 1;
      const inserted = (current[column] ?? 0) + 1;
      current.push(Math.min(replaced, removed, inserted));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

export function findNearest(name: string, known: readonly string[]): string | undefined {
  return known.toSorted((one, other) => distance(name, one) - distance(name, other))[0];
}
