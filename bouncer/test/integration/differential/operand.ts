/** Operands for the differential tests: what people write, what breaks things, and anything at all. */
import * as fc from "fast-check";
import { RegoNumber } from "../../../src/rego/number.ts";
import { RegoObject, RegoSet, type Value } from "../../../src/rego/value.ts";

const numberTexts = [
  "0",
  "1",
  "-1",
  "2",
  "10",
  "255",
  "256",
  "1.5",
  "-0.5",
  "0.1",
  "1e3",
  "1.0",
  "100.25",
  "2147483647",
  "-2147483648",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "18446744073709551616",
  "123456789012345678901234567890",
  "1e19",
  "1e-9",
  "3.141592653589793238462643",
] as const;

function toNumber(text: string): RegoNumber {
  return RegoNumber.parse(text) ?? RegoNumber.of(0);
}

/** Whole ones, fractions, and those around the bounds of machine words. */
export const anyNumber: fc.Arbitrary<RegoNumber> = fc.oneof(
  fc.constantFrom(...numberTexts).map(toNumber),
  fc.integer({ min: -1000, max: 1000 }).map((value) => RegoNumber.of(value)),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((value) => RegoNumber.of(value)),
  fc
    .tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: 1, max: 999_999 }))
    .map(([whole, fraction]) => toNumber(`${whole}.${fraction}`)),
);

/** Well-formed: no lone surrogates, which have no UTF-8 and cannot be in a module. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 8 }).map((text) => text.toWellFormed()),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom(
    "",
    " ",
    "a",
    "A",
    "ß",
    "İ",
    "ǆ",
    "é",
    "e\u0301",
    "😀",
    "日本語",
    "\u0000",
    "\u2028",
    "\uFFFD",
  ),
);

/** Anything that can be an operand, two levels deep. */
export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ readonly value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    fc.constantFrom(null, true, false),
    anyNumber,
    anyString,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 4 }).map((members) => new RegoSet(members)),
    fc
      .array(fc.tuple(fc.oneof(anyString, tie("value")), tie("value")), { maxLength: 4 })
      .map((members) => new RegoObject(members)),
  ),
})).value;

/** Mostly `usual`, now and then something of any type. */
export function mostly<T extends Value>(usual: fc.Arbitrary<T>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 14, arbitrary: usual }, { weight: 1, arbitrary: anyValue });
}
