import { expect, test } from "vitest";
import { percentilesOf } from "./percentiles.ts";

const upTo = (last: number) => Array.from({ length: last }, (_, index) => last - index);

test.each([
  ["nothing", [], { count: 0, p50: 0, p90: 0, p99: 0, max: 0 }],
  ["one", [7], { count: 1, p50: 7, p90: 7, p99: 7, max: 7 }],
  ["a hundred, in any order", upTo(100), { count: 100, p50: 50, p90: 90, p99: 99, max: 100 }],
  ["numbers, not text", [9, 10, 100], { count: 3, p50: 10, p90: 100, p99: 100, max: 100 }],
])("%s", (_, latencies, expected) => {
  expect(percentilesOf(latencies)).toEqual(expected);
});
