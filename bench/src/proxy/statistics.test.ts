import { expect, test } from "vitest";
import { medianOf, percentileOf, spreadOf } from "./statistics.ts";

test.each([
  ["one", [7], 7],
  ["an odd number, in any order", [9, 1, 10], 9],
  ["an even number: between the middle two", [4, 1, 3, 100], 3.5],
  ["nothing", [], Number.NaN],
])("median of %s", (_, values, expected) => {
  expect(medianOf(values)).toBe(expected);
});

test("the spread is the middle and both ends", () => {
  expect(spreadOf([0.5, 0.3, 0.4])).toEqual({ median: 0.4, least: 0.3, most: 0.5 });
});

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [0.5, hundred, 50],
  [0.95, hundred, 95],
  [0.99, hundred, 99],
  [0.99, [1, 2], 2],
  [0.01, [1, 2], 1],
  [0.5, [], Number.NaN],
])("percentile %d by nearest rank", (share, values, expected) => {
  expect(percentileOf(values, share)).toBe(expected);
});
