import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query } from "../builtin.ts";
import { parseTerm, printTerm } from "../term.ts";
import type { Value } from "../value.ts";
import { builtins } from "./schema.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function match(document: string, schema: string): string {
  const operands = new Operands([parseTerm(document), parseTerm(schema)]);
  return printTerm(builtins["json.match_schema"]?.(operands, query) ?? null);
}

function verify(schema: Value): string {
  return printTerm(builtins["json.verify_schema"]?.(new Operands([schema]), query) ?? null);
}

test.each([
  ['{"a":1}', '{"required":["a"]}'],
  ['{"a":{"a":{}}}', '{"properties":{"a":{"$ref":"#"}},"type":"object"}'],
  ['{"a":0.3}', '{"properties":{"a":{"multipleOf":0.1}}}'],
  ['{"a":9007199254740993}', '{"properties":{"a":{"minimum":9007199254740993}}}'],
  ['"[1,2]"', '{"items":{"type":"integer"},"uniqueItems":true}'],
  [
    '{"b":1}',
    '{"additionalProperties":{"$ref":"#/definitions/n"},"definitions":{"n":{"type":"number"}}}',
  ],
])("%s matches %s", (document, schema) => {
  expect(match(document, schema)).toBe("[true,[]]");
});

test("what is wrong is told as OPA tells it", () => {
  expect(
    match(
      '{"a":{"b":"x"}}',
      '{"properties":{"a":{"properties":{"b":{"maximum":1,"type":"integer"}}}}}',
    ),
  ).toBe(
    '[false,[{"desc":"Invalid type. Expected: integer, given: string","error":"a.b: Invalid type. Expected: integer, given: string","field":"a.b","type":"invalid_type"}]]',
  );
});

test.each([
  ["a reference to somewhere else", '{"$ref":"http://example.com/schema"}'],
  ["a pattern that RE2 does not know", '{"pattern":"(?=a)"}'],
  ["a schema of another type", "[]"],
])("refuses %s", (_name, schema) => {
  expect(verify(parseTerm(schema))).toMatch(/^\[false,"jsonschema: /);
  expect(() => match("{}", schema)).toThrow(BuiltinError);
});

test("a schema that refers to nothing but itself does not run for ever", () => {
  expect(() => match("{}", '{"$ref":"#"}')).toThrow("too deep");
});

function inner(level: number): string {
  return `{"$ref":"#/definitions/d${level}"}`;
}

test("alternatives within alternatives are bounded", () => {
  const definitions = Array.from(
    { length: 40 },
    (_, level) => `"d${level}":{"oneOf":[${inner(level + 1)},${inner(level + 1)}]}`,
  );
  const schema = `{"$ref":"#/definitions/d0","definitions":{${definitions.join(",")},"d40":{}}}`;
  expect(() => match("{}", schema)).toThrow("too long");
});

test("patterns take linear time", () => {
  const schema = '{"properties":{"a":{"pattern":"^(a+)+$"}}}';
  expect(match(`{"a":"${"a".repeat(2000)}!"}`, schema)).toContain("pattern");
});
