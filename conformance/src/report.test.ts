import { expect, test } from "vitest";
import type { Case, SetName } from "./cases.ts";
import { compareWithRecord, formatTable, type Result, sortResults } from "./report.ts";

function build(set: SetName, group: string, note: string, complaint: string | null): Result {
  const wanted: Case = {
    set,
    group,
    note,
    query: "",
    modules: [],
    data: "{}",
    sortBindings: false,
    ignoreGenerated: false,
    strictError: false,
  };
  return { wanted, complaint };
}

const results: readonly Result[] = [
  build("v1", "all", "all/1", null),
  build("v1", "units", "units/1", "undefined"),
  build("v1", "units", "units/2", null),
  build("v0", "units", "units/1", "undefined"),
  build("wasm", "eq", "eq/1", null),
];

test("the table begins with the groups that are not complete", () => {
  expect(formatTable(results)).toBe(
    [
      "group (passed / cases)           v1           v0         wasm",
      "units                         1 / 2        0 / 1",
      "all                           1 / 1",
      "eq                                                      1 / 1",
      "total                         2 / 3        0 / 1        1 / 1",
      "",
    ].join("\n"),
  );
});

test("known failures are those of the same set", () => {
  const known = { v1: { "units/1": "why", "all/1": "why" }, v0: {}, wasm: {} };
  const sorted = sortResults(results, known);
  expect(sorted.known).toEqual([results[1]]);
  expect(sorted.failed).toEqual([results[3]]);
  expect(sorted.surprising).toEqual([results[0]]);
  expect(sorted.passed).toHaveLength(3);
});

test.each([
  { recorded: { v1: 2, v0: 0, wasm: 1 }, worse: 0, better: 0 },
  { recorded: { v1: 3, v0: 0, wasm: 1 }, worse: 1, better: 0 },
  { recorded: { v1: 1, v0: 0, wasm: 2 }, worse: 1, better: 1 },
])("$recorded: $worse worse, $better better", ({ recorded, worse, better }) => {
  const comparison = compareWithRecord(results, recorded);
  expect([comparison.worse.length, comparison.better.length]).toEqual([worse, better]);
});

test("a set that was not run is not compared", () => {
  expect(compareWithRecord([], { v1: 1, v0: 1, wasm: 1 })).toEqual({ worse: [], better: [] });
});
