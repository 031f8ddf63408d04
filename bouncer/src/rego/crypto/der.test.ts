import { expect, test } from "vitest";
import { attempt } from "./attempt.ts";
import { Der, tags, toArcs, toInteger } from "./der.ts";

test.each([
  ["3000", true],
  ["308000", false],
  ["308100", false],
  ["30820080", false],
  ["3001", false],
  ["1f0100", false],
])("a sequence in %s: %s", (hex, isThere) => {
  const read = (): boolean => new Der(Buffer.from(hex, "hex")).inside(tags.sequence).isEmpty;
  expect(attempt(read) !== null).toBe(isThere);
});

test.each([
  ["00", 0n],
  ["ff", -1n],
  ["0080", 128n],
  ["007f", null],
  ["ff80", null],
  ["", null],
])("the integer %s is %s", (hex, expected) => {
  expect(attempt(() => toInteger(Buffer.from(hex, "hex")))).toBe(expected);
});

test.each([
  ["2a0304", "1.2.3.4"],
  ["883703", "2.999.3"],
  ["8001", null],
  ["2a83", null],
  ["", null],
])("the identifier %s is %s", (hex, expected) => {
  expect(attempt(() => toArcs(Buffer.from(hex, "hex"), 31).join("."))).toBe(expected);
});
