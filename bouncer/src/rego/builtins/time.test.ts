import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query } from "../builtin.ts";
import { parseTerm, printTerm } from "../term.ts";
import { isArray } from "../value.ts";
import { builtins } from "./time.ts";

const query: Query = {
  now: () => 1_772_368_496_789_000_001n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function call(name: string, operands: string): string {
  const values = parseTerm(operands);
  const answer = builtins[name]?.(new Operands(isArray(values) ? values : []), query);
  return answer === undefined ? "undefined" : printTerm(answer);
}

test.each([
  ["time.now_ns", "[]", "1772368496789000001"],
  ["time.parse_ns", '["RFC822Z", "02 Jun 17 19:00 -0700"]', "1496455200000000000"],
  ["time.parse_rfc3339_ns", '["2024-02-29T23:59:59.5+01:00"]', "1709247599500000000"],
  ["time.parse_duration_ns", '["1w1.5h"]', "610200000000000"],
  ["time.format", "[-1]", '"1969-12-31T23:59:59.999999999Z"'],
  ["time.format", '[[0, "Europe/Berlin", "UnixDate"]]', '"Thu Jan  1 01:00:00 CET 1970"'],
  ["time.format", '[[0, "America/New_York", "06-1-2 3:4PM"]]', '"69-12-31 7:0PM"'],
  ["time.date", '[[1709247599000000000, "Asia/Tokyo"]]', "[2024,3,1]"],
  ["time.clock", '[[0, "Asia/Kathmandu"]]', "[5,30,0]"],
  ["time.weekday", "[0]", '"Thursday"'],
  // From the end of a month into the next, and over the hour that Berlin's clocks skip.
  ["time.add_date", "[1706702400000000000, 0, 1, 0]", "1709380800000000000"],
  ["time.add_date", '[[1711762200000000000, "Europe/Berlin"], 0, 0, 1]', "1711848600000000000"],
  ["time.diff", "[0, 1709247599000000000]", "[54,1,28,22,59,59]"],
])("%s of %s is %s", (name, operands, answer) => {
  expect(call(name, operands)).toBe(answer);
});

test.each([
  ["time.parse_ns", '["2006-01-02", "2023-02-29"]'],
  ["time.parse_ns", '["2006", "1500"]'],
  ["time.parse_duration_ns", '["300y"]'],
  ["time.format", "[9223372036854775808]"],
  ["time.format", '[[0, "europe/berlin"]]'],
  ["time.format", '[[0, "Europe/../UTC"]]'],
  ["time.date", '[[0, "", 1]]'],
  ["time.date", "[[]]"],
  ["time.add_date", "[0, 300, 0, 0]"],
  ["time.add_date", "[0, 1e1, 0, 0]"],
])("%s of %s is undefined", (name, operands) => {
  expect(() => call(name, operands)).toThrow(BuiltinError);
});

test("Local is UTC: a decision is the same wherever it is made", () => {
  expect(call("time.format", '[[0, "Local", "RFC822"]]')).toBe('"01 Jan 70 00:00 UTC"');
});
