import { expect, test } from "vitest";
import { parseTimeout } from "./duration.ts";

const second = 1_000_000_000n;

test.each<readonly [string, bigint | null]>([
  ["5s", 5n * second],
  ["1.5s", (3n * second) / 2n],
  [".5s", second / 2n],
  ["1.s", second],
  ["1h2m3s4ms5us6ns", 3_723_004_005_006n],
  ["1µs", 1000n],
  ["1μs", 1000n],
  ["0.1ns", 0n],
  ["-2m", -120n * second],
  ["+2m", 120n * second],
  ["0", 0n],
  ["250", 250n],
  ["-250", -250n],
  ["9223372036854775807", 2n ** 63n - 1n],
  ["9223372036854775808", null],
  ["3000000h", null],
  ["", null],
  ["-", null],
  ["s", null],
  [".s", null],
  ["1", 1n],
  ["1.5", null],
  ["1d", null],
  ["1s ", null],
  ["1s-1s", null],
  ["1".repeat(101), null],
])("%s", (text, nanoseconds) => {
  expect(parseTimeout(text)).toBe(nanoseconds);
});
