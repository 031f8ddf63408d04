import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatFloat, type FloatVerb } from "./float.ts";

test.each<readonly [value: number, verb: FloatVerb, precision: number, expected: string]>([
  [0.5, "f", 0, "0"],
  [1.5, "f", 0, "2"],
  [2.5, "f", 0, "2"],
  [0.125, "f", 2, "0.12"],
  [2.675, "f", 2, "2.67"],
  [1e23, "f", 0, "99999999999999991611392"],
  [5e-324, "e", 3, "4.941e-324"],
  [-0, "f", 1, "-0.0"],
  [0, "e", -1, "0e+00"],
  [999_999.5, "g", 6, "1e+06"],
  [100_000, "g", -1, "100000"],
  [1e21, "G", -1, "1E+21"],
  [0.0001, "g", -1, "0.0001"],
  [0.000_01, "g", -1, "1e-05"],
  [1, "b", -1, "4503599627370496p-52"],
  [1, "x", -1, "0x1p+00"],
  [1.999_999, "x", 0, "0x1p+01"],
  [5e-324, "x", 2, "0x1.00p-1074"],
  [-255.5, "X", -1, "-0X1.FFP+07"],
])("%d under %%%s with precision %i is %s", (value, verb, precision, expected) => {
  expect(formatFloat(value, verb, precision)).toBe(expected);
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

test("the shortest digits are read back as the same number", () => {
  fc.assert(
    fc.property(finite, fc.constantFrom("e", "f", "g"), (value, verb) => {
      expect(Number(formatFloat(value, verb, -1))).toBe(value);
    }),
  );
});
