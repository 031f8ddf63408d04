import { expect, test } from "vitest";
import type { Case } from "./cases.ts";
import { judge } from "./judge.ts";

const anyCase: Case = {
  set: "v1",
  group: "group",
  note: "group/case",
  query: "data.test.p = x",
  modules: [],
  data: "{}",
  sortBindings: false,
  ignoreGenerated: false,
  strictError: false,
};

interface Row {
  readonly name: string;
  readonly wanted: Partial<Case>;
  readonly answer: string;
  readonly passes: boolean;
}

const rows: readonly Row[] = [
  { name: "equal", wanted: { wantResult: '[{"x":1}]' }, answer: '{{"x":1}}', passes: true },
  { name: "another", wanted: { wantResult: '[{"x":1}]' }, answer: '{{"x":2}}', passes: false },
  {
    name: "numbers beyond doubles count",
    wanted: { wantResult: '[{"x":9007199254740993}]' },
    answer: '{{"x":9007199254740992}}',
    passes: false,
  },
  {
    name: "but not in the cases that were written for doubles",
    wanted: { set: "wasm", wantResult: '[{"x":9007199254740993}]' },
    answer: '{{"x":9007199254740992}}',
    passes: true,
  },
  {
    name: "sets are sorted arrays",
    wanted: { wantResult: '[{"x":[1,2]}]' },
    answer: '{{"x":{2,1}}}',
    passes: true,
  },
  {
    name: "arrays have an order",
    wanted: { wantResult: '[{"x":[1,2]}]' },
    answer: '{{"x":[2,1]}}',
    passes: false,
  },
  {
    name: "unless the case says that they have none",
    wanted: { wantResult: '[{"x":[2,1]}]', sortBindings: true },
    answer: '{{"x":[1,2]}}',
    passes: true,
  },
  {
    name: "results have no order",
    wanted: { wantResult: '[{"x":1},{"x":2}]' },
    answer: '{{"x":2},{"x":1}}',
    passes: true,
  },
  {
    name: "generated variables",
    wanted: { wantResult: '[{"x":1}]', ignoreGenerated: true },
    answer: '{{"x":1,"__localq0__":2}}',
    passes: true,
  },
  { name: "undefined", wanted: { wantDefined: false }, answer: "set()", passes: true },
  { name: "defined", wanted: { wantDefined: false }, answer: '{{"x":1}}', passes: false },
  {
    name: "strict error",
    wanted: { wantError: "no", strictError: true },
    answer: "set()",
    passes: true,
  },
  {
    name: "strict error, but an answer",
    wanted: { wantError: "no", strictError: true },
    answer: '{{"x":1}}',
    passes: false,
  },
  { name: "no error", wanted: { wantCode: "eval_conflict_error" }, answer: "set()", passes: false },
];

test.each(rows)("$name: $passes", ({ wanted, answer, passes }) => {
  const complaint = judge({ ...anyCase, ...wanted }, { kind: "term", text: answer });
  expect(complaint === null).toBe(passes);
});

test.each([
  { wanted: { wantCode: "eval_conflict_error" }, message: "var assignment conflict", passes: true },
  { wanted: { wantCode: "eval_conflict_error" }, message: "unreachable", passes: false },
  { wanted: { wantCode: "eval_type_error" }, message: "var assignment conflict", passes: false },
  { wanted: { wantError: "abc" }, message: "x: abc", passes: true },
  { wanted: { wantResult: "[]" }, message: "x: abc", passes: false },
  { wanted: { wantError: "no", strictError: true }, message: "no", passes: false },
])("error $message for $wanted: $passes", ({ wanted, message, passes }) => {
  expect(judge({ ...anyCase, ...wanted }, { kind: "error", message }) === null).toBe(passes);
});

test("missing built-ins never pass, not even where an error is wanted", () => {
  const wanted: Case = { ...anyCase, wantError: "not here" };
  expect(judge(wanted, { kind: "missing", names: ["a", "b"] })).toBe("built-ins are missing: a, b");
});
