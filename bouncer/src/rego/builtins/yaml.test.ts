import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query } from "../builtin.ts";
import { parseTerm, printTerm } from "../term.ts";
import { equals, type Value } from "../value.ts";
import { builtins } from "./yaml.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function call(name: string, operand: Value): Value | undefined {
  return builtins[name]?.(new Operands([operand]), query);
}

function read(text: string): string {
  return printTerm(call("yaml.unmarshal", text) ?? null);
}

test.each([
  ["YAML 1.2 has only two booleans", "[yes, on, true, FALSE]", '["yes","on",true,false]'],
  ["numbers of YAML 1.1 and 1.2", "[0x10, 010, 0o10, 1_000, 1.50]", "[16,8,8,1000,1.5]"],
  ["days and times are strings", "a: 2023-01-01", '{"a":"2023-01-01"}'],
  ["the later of two equal keys", "a: 1\n'a': 2", '{"a":2}'],
  ["keys become strings", "1: a\ntrue: b", '{"1":"a","true":"b"}'],
  ["what is merged gives way", "a: &a {x: 1}\nb: {<<: *a, x: 2}", '{"a":{"x":1},"b":{"x":2}}'],
  ["the first document", "a: 1\n---\nb: 2", '{"a":1}'],
  ["nothing", "# only this", "null"],
])("reads %s", (_name, text, expected) => {
  expect(read(text)).toBe(expected);
});

test.each([
  ["a later document that is broken", "a: 1\n---\nb: ["],
  ["null as a key", "null: 1"],
  ["a list as a key", "? [1]\n: 2"],
  ["an alias of itself", "&a [*a]"],
  ["an unknown alias", "*a"],
  ["infinity", ".inf"],
  ["control characters", "a: \u{7}"],
  ["very deep nesting", "[".repeat(20_000)],
  ["very long texts", "a".repeat(250_001)],
  ["a merge of no mapping", "<<: 1"],
  ["a scalar that is not what its tag says", "!!int a"],
])("refuses %s", (_name, text) => {
  expect(() => read(text)).toThrow(BuiltinError);
  expect(call("yaml.is_valid", text)).toBe(false);
});

test("aliases cannot blow up a short text", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 12; level += 1) {
    lines.push(`a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}]`);
  }
  expect(() => read(lines.join("\n"))).toThrow("aliases");
  const long = `a: &a ${"x".repeat(100_000)}\nb: [${"*a, ".repeat(90)}]`;
  expect(() => read(long)).toThrow("too large");
});

test("what is not a string is no YAML", () => {
  expect(call("yaml.is_valid", null)).toBe(false);
});

test.each([
  ['{"b":[{"c":1},[]],"a":{}}', "a: {}\nb:\n  - c: 1\n  - []\n"],
  ['{"a10":1,"a9":2}', "a9: 2\na10: 1\n"],
  ['["yes","1",""," a","a: b","x"]', '- "yes"\n- "1"\n- ""\n- \' a\'\n- \'a: b\'\n- x\n'],
  ['{"a":"b\\nc\\n"}', "a: |\n  b\n  c\n"],
  ["[1e3,1e6,1.50]", "- 1000\n- 1e+06\n- 1.5\n"],
  ['{2,"a"}', "- 2\n- a\n"],
])("writes %s", (term, expected) => {
  expect(call("yaml.marshal", parseTerm(term))).toBe(expected);
});

test("what is written is read back", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(" ", "\n", "a", ":", "#", "-", "'", '"', "1", ".", "é") }),
  );
  const values = fc.letrec<{ readonly value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      texts,
      fc.constantFrom(null, true),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(texts, tie("value")), { maxLength: 3 }).map((members) => {
        return parseTerm(
          `{${members.map(([key, value]) => `${printTerm(key)}:${printTerm(value)}`).join(",")}}`,
        );
      }),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      const text = call("yaml.marshal", value) ?? null;
      expect(equals(call("yaml.unmarshal", text) ?? null, value)).toBe(true);
    }),
    { numRuns: Number(process.env["RUNS"] ?? 500) },
  );
});
