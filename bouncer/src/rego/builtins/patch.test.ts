import { expect, test } from "vitest";
import { BuiltinError, Operands, type Query } from "../builtin.ts";
import { parseTerm, printTerm } from "../term.ts";
import { builtins } from "./patch.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function patch(document: string, operations: string): string {
  const operands = new Operands([parseTerm(document), parseTerm(operations)]);
  const value = builtins["json.patch"]?.(operands, query);
  return value === undefined ? "undefined" : printTerm(value);
}

test.each([
  ["adds", '{"a":1}', '[{"op":"add","path":"/b","value":2}]', '{"a":1,"b":2}'],
  ["inserts", "[1,3]", '[{"op":"add","path":"/1","value":2}]', "[1,2,3]"],
  ["appends", "[1]", '[{"op":"add","path":"/-","value":2}]', "[1,2]"],
  ["removes", '{"a":1}', '[{"op":"remove","path":"a"}]', "{}"],
  ["replaces the whole", "1", '[{"op":"replace","path":"","value":2}]', "2"],
  ["moves", '{"a":{"b":1}}', '[{"op":"move","from":"/a/b","path":"/c"}]', '{"a":{},"c":1}'],
  ["unescapes", '{"a/b":{"~":1}}', '[{"op":"remove","path":"/a~1b/~0"}]', '{"a/b":{}}'],
  ["changes a member of a set", "{[1]}", '[{"op":"add","path":[[1],1],"value":2}]', "{[1,2]}"],
  [
    "finds a changed member of a set by what it is now",
    "{[1]}",
    '[{"op":"add","path":[[1],1],"value":2},{"op":"remove","path":[[1,2],0]}]',
    "{[2]}",
  ],
  [
    "copies what is at the index in the array as it was, as OPA does",
    "[1,2,3]",
    '[{"op":"remove","path":"/0"},{"op":"copy","from":"/0","path":"/-"}]',
    "[1,3,1]",
  ],
])("%s", (_name, document, operations, expected) => {
  expect(patch(document, operations)).toBe(expected);
});

test.each([
  ["nothing at the path", '{"a":1}', '[{"op":"remove","path":"/b"}]'],
  ["another value than tested for", "[1]", '[{"op":"test","path":"/0","value":2}]'],
  ["a member of a set under another key", "{1}", '[{"op":"add","path":["a"],"value":"b"}]'],
  ["an unknown operation", "[1]", '[{"op":"swap","path":"/0"}]'],
  ["an index out of bounds", "[1]", '[{"op":"add","path":"/2","value":1}]'],
  ["no value", "[1]", '[{"op":"replace","path":"/0"}]'],
  ["nothing left", "[1]", '[{"op":"remove","path":""}]'],
  [
    "a removed member of a set, which OPA 1.22 crashes on",
    '{"a"}',
    '[{"op":"remove","path":"a"},{"op":"test","path":"a","value":1}]',
  ],
])("is undefined for %s", (_name, document, operations) => {
  expect(() => patch(document, operations)).toThrow(BuiltinError);
});

test("copies cannot double a document without bound", () => {
  const double = '{"op":"copy","from":"","path":"/-"}';
  const operations = `[${Array.from({ length: 60 }, () => double).join(",")}]`;
  expect(() => patch("[1]", operations)).toThrow("too large");
});
