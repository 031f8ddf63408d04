/** What a run came to: a table of all groups, what failed, and how that compares with the record. Pure. */
import { type Case, type SetName, setNames } from "./cases.ts";
import type { Complaint } from "./judge.ts";

export interface Result {
  readonly wanted: Case;
  readonly complaint: Complaint;
}

/** By set and note: why we cannot pass it. */
export type Known = Readonly<Record<SetName, Readonly<Record<string, string>>>>;

/** How many cases of each set have passed. */
export type Recorded = Readonly<Record<SetName, number>>;

export interface Sorted {
  readonly passed: readonly Result[];
  readonly known: readonly Result[];
  readonly failed: readonly Result[];
  /** On the list of what we cannot pass, and passed. */
  readonly surprising: readonly Result[];
}

export function sortResults(results: readonly Result[], known: Known): Sorted {
  const isKnown = ({ wanted }: Result): boolean => wanted.note in known[wanted.set];
  const passed = results.filter(({ complaint }) => complaint === null);
  const others = results.filter(({ complaint }) => complaint !== null);
  return {
    passed,
    known: others.filter(isKnown),
    failed: others.filter((result) => !isKnown(result)),
    surprising: passed.filter(isKnown),
  };
}

interface Count {
  readonly passed: number;
  readonly cases: number;
}

function count(results: readonly Result[]): Count {
  const passed = results.filter(({ complaint }) => complaint === null);
  return { passed: passed.length, cases: results.length };
}

/** Groups that are not complete come first. */
export function formatTable(results: readonly Result[]): string {
  const groups = Map.groupBy(results, ({ wanted }) => wanted.group);
  const rows = [...groups]
    .map(([group, members]) => ({ group, members, ...count(members) }))
    .toSorted(
      (one, other) =>
        Number(one.passed === one.cases) - Number(other.passed === other.cases) ||
        (one.group < other.group ? -1 : 1),
    );
  const sets = setNames.filter((set) => results.some(({ wanted }) => wanted.set === set));
  const title = "group (passed / cases)";
  const width = Math.max(title.length, ...rows.map(({ group }) => group.length));
  const line = (name: string, cells: readonly string[]): string =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(13))].join("").trimEnd();
  const cellsOf = (members: readonly Result[]): readonly string[] =>
    sets.map((set) => {
      const { passed, cases } = count(members.filter(({ wanted }) => wanted.set === set));
      return cases === 0 ? "" : `${passed} / ${cases}`;
    });
  return [
    line(title, sets),
    ...rows.map(({ group, members }) => line(group, cellsOf(members))),
    line("total", cellsOf(results)),
    "",
  ].join("\n");
}

export function formatFailures(title: string, results: readonly Result[]): string {
  const lines = results.map(
    ({ wanted, complaint }) =>
      `  ${wanted.set} ${wanted.note}${complaint === null ? "" : `\n      ${complaint}`}`,
  );
  return lines.length === 0 ? "" : `\n${title}:\n${lines.join("\n")}\n`;
}

/** Each difference from the record; the run fails with the first kind. */
export interface Comparison {
  readonly worse: readonly string[];
  readonly better: readonly string[];
}

/** Only for sets of which all cases were run. */
export function compareWithRecord(results: readonly Result[], recorded: Recorded): Comparison {
  const sets = setNames.map((set) => ({
    set,
    record: recorded[set],
    ...count(results.filter(({ wanted }) => wanted.set === set)),
  }));
  const run = sets.filter(({ cases }) => cases > 0);
  return {
    worse: run
      .filter(({ passed, record }) => passed < record)
      .map(({ set, passed, record }) => `${set}: ${passed} cases pass, ${record} did before`),
    better: run
      .filter(({ passed, record }) => passed > record)
      .map(({ set, passed, record }) => `${set}: ${passed} cases pass, recorded are ${record}`),
  };
}
