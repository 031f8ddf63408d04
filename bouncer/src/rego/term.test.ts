import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "./number.ts";
import { fromJson, parseJson, parseTerm, printJson, printTerm } from "./term.ts";
import { compare, equals, keyOf, RegoObject, RegoSet, type Value } from "./value.ts";

test.each([
  ["null", "null"],
  [' [ 1 , true , "a\\"\\\\" ] ', '[1,true,"a\\"\\\\"]'],
  ["{3,1,2,1.0}", "{1,2,3}"],
  ["set()", "set()"],
  ['{{1}: "set", [2]: "array", 1: "number"}', '{1:"number",[2]:"array",{1}:"set"}'],
  ["{}", "{}"],
  ["123456789012345678901234567890", "123456789012345678901234567890"],
  ["[.5,-.5e1]", "[0.5,-0.5e1]"],
  ['{"b":1.50,"a":-1e3}', '{"a":-1e3,"b":1.50}'],
  ['{"\ue000","\u{1f600}"}', '{"\ue000","\u{1f600}"}'],
])("%s is read and printed as %s", (text, printed) => {
  expect(printTerm(parseTerm(text))).toBe(printed);
});

test.each([
  "",
  "[1",
  "{1:}",
  '"a',
  '"a\\"',
  "01",
  "1 2",
  "{1",
  "[1,]",
  "nul",
  "\u00a01",
  "1.",
  "+1",
])("%j is no term", (text) => {
  expect(() => parseTerm(text)).toThrow(SyntaxError);
});

test.each(["{1}", "set()", "{1:2}", ".5", '"\n"', "'a'", "NaN", "[1,]", '{"a":1,}'])(
  "%j is no JSON",
  (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  },
);

test("JSON of sets and of keys of any type is that of OPA", () => {
  const value = parseTerm('{{2,1}: {"b","a"}, 1: {[null]}}');
  expect(printJson(value)).toBe('{"1":[[null]],"[1,2]":["a","b"]}');
});

test("a document that is nested too deep is refused before the stack is", () => {
  expect(() => parseJson("[".repeat(50_000))).toThrow("nested deeper than 2000");
});

const number = fc
  .tuple(fc.bigInt(), fc.option(fc.nat(), { nil: null }), fc.integer({ min: -40, max: 40 }))
  .map(([whole, fraction, exponent]) => {
    const text = `${whole}${fraction === null ? "" : `.${fraction}`}e${exponent}`;
    return RegoNumber.parse(text) ?? RegoNumber.of(0);
  });
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    number,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 4 }).map((members) => new RegoSet(members)),
    fc
      .array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 })
      .map((members) => new RegoObject(members)),
  ),
}));

test("what is printed is read back as the same value", () => {
  fc.assert(
    fc.property(value, (one) => {
      expect(keyOf(parseTerm(printTerm(one)))).toBe(keyOf(one));
    }),
  );
});

test("the order is total, and agrees with equality", () => {
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(Math.sign(compare(a, b))).toBe(0 - Math.sign(compare(b, a)));
      expect(compare(a, b) === 0).toBe(equals(a, b));
      const [first, second, third] = [a, b, c].toSorted(compare);
      const ordered = [first, second, third].map((item) => item ?? null);
      expect(compare(ordered[0] ?? null, ordered[2] ?? null)).toBeLessThanOrEqual(0);
    }),
  );
});

test("JSON of doubles is read as it was written", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (document) => {
      expect(JSON.parse(printJson(fromJson(document)))).toEqual(
        JSON.parse(JSON.stringify(document)),
      );
      expect(JSON.parse(printJson(parseJson(JSON.stringify(document))))).toEqual(
        JSON.parse(JSON.stringify(document)),
      );
    }),
  );
});
