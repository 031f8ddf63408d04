import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { keyOf, RegoObject, type Value } from "../../../src/rego/value.ts";
import { type BuiltinCall, compareWithOpa, sampleCalls } from "./harness.ts";
import { anyNumber, anyString, anyValue, mostly } from "./operand.ts";

/** Strings that mean something in YAML, or nearly. */
const telling = fc.constantFrom(
  ..."null ~ Null true False TRUE yes On n off .inf -.Inf .nan + - -- --- --- ... ? : , [ { } ]".split(
    " ",
  ),
  ..."0 -0 +1 01 08 0o17 0x1F 0b11 1_000 1e3 1.5 .5 5. 1e999 -1.5e-7 1:30 190:20:30 1e+06".split(
    " ",
  ),
  ..."2023-01-01 2023-02-30 2023-1-2T3:4:5Z <<".split(" "),
  ..."a:b a: #a a#b *a &a !a |a >a %a @a `a '\" a,b a]b -a ?a :a".split(" "),
  "2023-01-01 10:00:00",
  "a: b",
  "a #b",
  "- a",
  " a",
  "a ",
  "a\n",
  "a\n\n",
  "\na",
  "a\nb",
  "a\n b",
  "a \nb",
  " a\nb",
  "a\tb",
  "\t",
  "a\rb",
  "a\u{85}b",
  "a\u{2028}b",
  "\u{2029}",
  "\u{a0}",
  "\u{feff}a",
  "a\u{feff}",
  "\u{7f}",
  "\u{9f}",
  "\u{fffe}",
  "\u{1b}",
  "'a'",
  "a'b\u{85}c",
  "\\",
  "a".repeat(90),
  "a b ".repeat(40),
  "a".repeat(129),
  "a".repeat(1022),
  "a".repeat(1023),
);

const text = fc.oneof(telling, anyString);

test("yaml.marshal: strings", async () => {
  const value = fc.oneof(
    text,
    fc.tuple(text),
    fc.tuple(text, text).map((member) => new RegoObject([member])),
    fc.tuple(text).map(([key]) => new RegoObject([[key, new RegoObject([[key, [key]]])]])),
  );
  expect(await compareWithOpa(sampleCalls("yaml.marshal", fc.tuple(value), 4000))).toEqual([]);
});

test("yaml.marshal: numbers", async () => {
  const number = fc.oneof(
    anyNumber,
    fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => RegoNumber.of(value)),
    fc
      .constantFrom("1e6", "1e5", "123456.5", "1234567.5", "0.0001", "0.00001", "1e400", "-0.0")
      .map((value) => RegoNumber.parse(value) ?? RegoNumber.of(0)),
  );
  expect(await compareWithOpa(sampleCalls("yaml.marshal", fc.tuple(number), 3000))).toEqual([]);
});

/** Not with letters that Unicode has had for so short that Go does not know them. */
test("yaml.marshal: anything", async () => {
  const value = anyValue.filter(
    (each) => !/[\u{13430}-\u{1467f}\u{16100}-\u{1ffff}\u{2ebf0}-\u{3ffff}]/u.test(keyOf(each)),
  );
  expect(await compareWithOpa(sampleCalls("yaml.marshal", fc.tuple(value), 4000))).toEqual([]);
});

test("yaml.marshal: the order of keys", async () => {
  const key = fc.string({ unit: fc.constantFrom(..."ab01239-_ é٣".split("")), maxLength: 5 });
  const value = fc
    .array(key, { maxLength: 6 })
    .map((keys) => new RegoObject(keys.map((name): [Value, Value] => [name, null])));
  expect(await compareWithOpa(sampleCalls("yaml.marshal", fc.tuple(value), 3000))).toEqual([]);
});

/**
 * What people write, in pieces that fit together more often than not. Left out is where YAML 1.1,
 * which Go's library reads, and YAML 1.2 differ in syntax: `!a,`, `{:a: b}`, tabs between tokens,
 * and lines in brackets that are indented less than what the brackets are in.
 */
const scalar = fc.oneof(
  telling.filter(
    (word) => !/[\n\t\r\u{85}\u{2028}\u{2029}\u{feff}]|^[!:?,&*]|^-$|:$|^.{1000}/u.test(word),
  ),
  fc.constantFrom("a", "b", '"a"', "'b'", '"\\x41\\n"', "!!str 1", "!!int 1", "!!float 1"),
  fc.constantFrom("!!bool a", "!!null ''", "!foo 1", "! 1", '!!int "1"', "!!binary YQ==", "*x"),
  fc.constantFrom("!!timestamp 2023-1-2", "!!timestamp '2023-01-02 3:4:5.60'", "|\n  a\n  b"),
  fc.constantFrom("0x1f", "1_0", "-0b11", "+12", "12e03", "18446744073709551616", ".5e3"),
);

const yaml = fc.letrec<{ readonly node: string; readonly flow: string }>((tie) => ({
  flow: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    scalar,
    fc.array(tie("flow"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(scalar, tie("flow")), { maxLength: 3 })
      .map((items) => `{${items.map(([key, value]) => `${key}: ${value}`).join(", ")}}`),
  ),
  node: fc.oneof(
    tie("flow"),
    fc.array(tie("flow"), { minLength: 1, maxLength: 4 }).map((items) => {
      return items.map((item) => `- ${item}`).join("\n");
    }),
    fc
      .array(fc.tuple(fc.oneof(scalar, fc.constantFrom("<<", "a", "b", "1", "1.5")), tie("flow")), {
        minLength: 1,
        maxLength: 4,
      })
      .map((items) => `x: &x {a: 1, 0x10: b}\n${items.map(([k, v]) => `${k}: ${v}`).join("\n")}`),
  ),
})).node;

test.each(["yaml.unmarshal", "yaml.is_valid"])("%s", async (name) => {
  const calls = sampleCalls(name, fc.tuple(mostly(yaml)), 4000);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test.each([
  "",
  "# only a comment",
  "---\n---\na: 1",
  "a: 1\n---\nb: [",
  "a: 1\n...\n",
  "a:\n  - b\n  -\n  - c: d\n    e: f",
  "a:\n- b\n- c",
  "? a\n: b\n? [c]\n: d",
  "&a [*a]",
  "a: &a 1\nb: *a",
  "a: *b",
  "--- &a 1\n--- *a",
  "a: 1\na: 2\n'a': 3",
  '1: a\n"1": b\n0x1: c',
  "null: a",
  "p: &p {x: 1}\nq: &q {x: 2, y: 3}\nr: {<<: *p, <<: *q, z: 4}",
  "p: &p {x: 1}\nr: {<<: [*p, {x: 5, w: 6}], x: 7}",
  "r: {<<: 1}",
  "r: {<<: [[a]]}",
  "p: &p {0x10: 1}\nr: {<<: *p, a: 1}",
  "p: &p {0x10: 1}\nr: {<<: *p, 1: 1}",
  "a: |\n  b\n   c\n\n  d\n\ne: >-\n  f\n  g\n\n  h",
  "a: 'it''s'\nb: \"x\\ty\\u00e9\\\n   z\"",
  "  a:\nb: 1",
  "a: b: c",
  "a\n b\n  c",
  "{a: 1, b}",
  "[a, b: c]",
  "{a:1}",
  '{"a":1}',
  "%YAML 1.1\n---\na: yes",
  "a: !!set {b}",
  "a: !!map [b]",
  "a: 1 # comment\nb: 'x' # other",
  "\ta: 1",
  "a:\t1",
  "\u{feff}a: 1",
  "a: 12e03\nb: 1__0\nc: 0777\nd: 0o777\ne: 09",
  "a: 9223372036854775808\nb: 18446744073709551615\nc: -9223372036854775809",
  "a: 1.0\nb: 1e21\nc: 1e-7\nd: -0.0",
  "[1,2,3",
  "a: @b",
  "a: `b",
  "a: %b",
  "- - - a\n    - b\n  - c",
  "a: >\n  x\n  y\n",
  "a: |+\n  x\n\n",
  `${"[".repeat(200)}${"]".repeat(200)}`,
])("yaml.unmarshal %j", async (source) => {
  const calls: readonly BuiltinCall[] = [
    ["yaml.unmarshal", source],
    ["yaml.is_valid", source],
  ];
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("documents made of aliases", async () => {
  const bomb = ["a0: &a0 [x]"];
  for (let level = 1; level < 8; level += 1) {
    const aliases = Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ");
    bomb.push(`a${level}: &a${level} [${aliases}]`);
  }
  const calls: readonly BuiltinCall[] = [["yaml.is_valid", bomb.join("\n")]];
  expect(await compareWithOpa(calls)).toEqual([]);
});
