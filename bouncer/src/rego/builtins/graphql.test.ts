import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query } from "../builtin.ts";
import { printTerm } from "../term.ts";
import type { Value } from "../value.ts";
import { builtins } from "./graphql.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function call(name: string, ...operands: readonly Value[]): Value | undefined {
  return builtins[name]?.(new Operands(operands), query);
}

const schema = "type Query { user(id: ID!): User } type User { name: String friend: User }";

test("a query becomes a document without what is empty in it", () => {
  const document = call("graphql.parse_query", "{ a: user }") ?? null;
  expect(printTerm(document)).toBe(
    '{"Operations":[{"Name":"","Operation":"query","SelectionSet":[{"Alias":"a","Name":"user"}]}]}',
  );
});

test.each([
  ["what the schema has", "{ user(id: 1) { name } }", true],
  ["an unknown field", "{ other }", false],
  ["a missing argument", "{ user { name } }", false],
  ["a field of another type", "{ user(id: true) { name } }", false],
  ["no selection of an object", "{ user(id: 1) }", false],
  ["two fields of one name", "{ a: user(id: 1) { name } a: user(id: 2) { name } }", false],
  ["a fragment that contains itself", "{ ...F } fragment F on Query { ...F }", false],
  ["no GraphQL", "{", false],
])("%s", (_name, text, expected) => {
  expect(call("graphql.is_valid", text, schema)).toBe(expected);
});

test("operands of another type are not valid", () => {
  expect(call("graphql.is_valid", null, schema)).toBe(false);
  expect(call("graphql.schema_is_valid", [])).toBe(false);
});

test("documents are bounded in depth and in length", () => {
  const deep = `${"{a".repeat(1000)}${"}".repeat(1000)}`;
  expect(() => call("graphql.parse_query", deep)).toThrow(BuiltinError);
  expect(() => call("graphql.parse_query", `{a}${" ".repeat(500_000)}`)).toThrow("too long");
});

test("validation is bounded in time, however the query multiplies its work", () => {
  const many = `{ ${"user(id: 1) { friend { name } } ".repeat(3000)} }`;
  expect(call("graphql.is_valid", many, schema)).toBe(false);
  const fragments = Array.from(
    { length: 60 },
    (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
  );
  const doubling = `{ __schema { types { name } } ...F0 } ${fragments.join(" ")} fragment F60 on Query { user(id: 1) { name } }`;
  expect(call("graphql.is_valid", doubling, schema)).toBe(true);
});
