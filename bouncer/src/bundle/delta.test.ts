import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyPatch, parsePatch } from "./delta.ts";
import { readJson } from "./json.ts";
import { parseRoot } from "./roots.ts";
import { type Branch, printTree } from "./tree.ts";

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly value?: unknown;
}

const everything = [[]];

function branch(data: unknown): Branch {
  const tree = readJson(JSON.stringify(data));
  if (!(tree instanceof Map)) throw new TypeError("no object");
  return tree;
}

function patch(data: object, operations: readonly Operation[]): unknown {
  const tree = branch(data);
  applyPatch(tree, parsePatch(JSON.stringify({ data: operations }), everything, 100));
  return JSON.parse(printTree(tree));
}

/** As OPA's tests of deltas have them, and what else its storage does. */
test.each<readonly [string, object, readonly Operation[], object]>([
  ["sets a member", { a: 1 }, [{ op: "upsert", path: "/b", value: 2 }], { a: 1, b: 2 }],
  [
    "replaces a member by an upsert",
    { a: 1 },
    [{ op: "upsert", path: "a", value: [2] }],
    { a: [2] },
  ],
  [
    "makes the objects on the way",
    {},
    [{ op: "upsert", path: "/a/b/c/", value: null }],
    { a: { b: { c: null } } },
  ],
  ["removes a member", { a: { b: 1, c: 2 } }, [{ op: "remove", path: "/a/b" }], { a: { c: 2 } }],
  [
    "replaces a member",
    { a: { b: 1 } },
    [{ op: "replace", path: "/a/b", value: {} }],
    { a: { b: {} } },
  ],
  [
    "inserts into a list",
    { a: [1, 2] },
    [
      { op: "upsert", path: "/a/1", value: "x" },
      { op: "upsert", path: "/a/-", value: "y" },
      { op: "upsert", path: "/a/4", value: "z" },
    ],
    { a: [1, "x", 2, "y", "z"] },
  ],
  [
    "replaces an item",
    { a: [1, { b: 2 }] },
    [{ op: "replace", path: "/a/0", value: 9 }],
    { a: [9, { b: 2 }] },
  ],
  [
    "changes inside an item",
    { a: [{ b: 2 }] },
    [{ op: "upsert", path: "/a/0/c", value: 9 }],
    { a: [{ b: 2, c: 9 }] },
  ],
  ["removes an item", { a: [1, 2, 3] }, [{ op: "remove", path: "/a/1" }], { a: [1, 3] }],
  [
    "reads escapes",
    {},
    [
      { op: "upsert", path: "/a~1b/~0c/~01", value: 1 },
      { op: "upsert", path: "/%61b/x%2Fy", value: 2 },
    ],
    { "a/b": { "~c": { "~1": 1 } }, ab: { "x/y": 2 } },
  ],
  [
    "goes in order",
    { a: 1 },
    [
      { op: "remove", path: "/a" },
      { op: "upsert", path: "/a/b", value: 1 },
      { op: "replace", path: "/a", value: [1] },
    ],
    { a: [1] },
  ],
])("%s", (_name, data, operations, expected) => {
  expect(patch(data, operations)).toEqual(expected);
});

describe("cannot", () => {
  test.each<readonly [string, object, Operation, string]>([
    [
      "remove what is not there",
      { a: 1 },
      { op: "remove", path: "/b" },
      'cannot remove "b": it is not there',
    ],
    [
      "replace what is not there",
      {},
      { op: "replace", path: "/b", value: 1 },
      'cannot replace "b"',
    ],
    [
      "make a way for a replacement",
      {},
      { op: "replace", path: "/a/b", value: 1 },
      'there is no "a"',
    ],
    [
      "go through a scalar",
      { a: 1 },
      { op: "upsert", path: "/a/b", value: 1 },
      '"a" is no object and no list',
    ],
    [
      "make a way through a list",
      { a: [] },
      { op: "upsert", path: "/a/0/b", value: 1 },
      'there is no "0"',
    ],
    [
      "insert beyond the end",
      { a: [1] },
      { op: "upsert", path: "/a/3", value: 1 },
      '"3" is no index of a list of 1',
    ],
    ["replace the end", { a: [1] }, { op: "replace", path: "/a/-", value: 1 }, '"-" is no index'],
    ["remove beyond the end", { a: [1] }, { op: "remove", path: "/a/1" }, '"1" is no index'],
    [
      "take a number that is written in another way",
      { a: [1, 2] },
      { op: "remove", path: "/a/01" },
      '"01" is no index',
    ],
    [
      "take a name for an index",
      { a: [1] },
      { op: "remove", path: "/a/length" },
      '"length" is no index',
    ],
  ])("%s", (_name, data, operation, message) => {
    expect(() => patch(data, [operation])).toThrow(message);
  });
});

describe("refused before anything is changed", () => {
  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["no object", "[]", 'it has to be an object with a list "data"'],
    ["no list", '{"data":{}}', 'it has to be an object with a list "data"'],
    ["an empty list", '{"data":[]}', "it changes nothing"],
    ["nothing at all", "{}", "it changes nothing"],
    ["another operation", '{"data":[{"op":"add","path":"/a","value":1}]}', 'data[0].op is "add"'],
    ["no operation", '{"data":[{"path":"/a","value":1}]}', "data[0].op is missing"],
    ["something else than an operation", '{"data":[7]}', "data[0].op is missing"],
    ["no path", '{"data":[{"op":"remove"}]}', "data[0].path is not a text"],
    ["no value", '{"data":[{"op":"upsert","path":"/a"}]}', "data[0] has no value"],
    ["the whole", '{"data":[{"op":"replace","path":"/","value":{}}]}', "is the whole of the data"],
    ["a wrong escape", '{"data":[{"op":"remove","path":"/%zz"}]}', "has a wrong escape"],
    ["another root", '{"data":[{"op":"remove","path":"/b/c"}]}', '"/b/c" is not under the roots'],
    ["a root that only looks like it", '{"data":[{"op":"remove","path":"/ab"}]}', "is not under"],
    ["a root that is escaped", '{"data":[{"op":"remove","path":"/a~1b"}]}', "is not under"],
    [
      "too much",
      JSON.stringify({ data: Array.from({ length: 4 }, () => ({ op: "remove", path: "/a" })) }),
      "it has more than 3 operations",
    ],
  ])("%s", (_name, text, message) => {
    expect(() => parsePatch(text, [parseRoot("a")], 3)).toThrow(message);
  });
});

function escape(text: string): string {
  return encodeURIComponent(text.replaceAll("~", "~0").replaceAll("/", "~1"));
}

test("an upsert of anything anywhere is there afterwards, and nothing else has changed", () => {
  const key = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue()),
      fc.array(key, { minLength: 1, maxLength: 4 }),
      fc.jsonValue(),
      (data, path, value) => {
        const [first = "", ...rest] = path;
        // A scalar or a list in the way is another test's.
        const before = { ...data };
        delete before[first];
        const nested = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
        const pointer = `/${path.map(escape).join("/")}`;
        const after = patch(before, [{ op: "upsert", path: pointer, value }]);
        const expected = { ...before, [first]: nested };
        expect(after).toEqual(JSON.parse(JSON.stringify(expected)));
        const removed = patch(expected, [{ op: "remove", path: `/${escape(first)}` }]);
        expect(removed).toEqual(JSON.parse(JSON.stringify(before)));
      },
    ),
  );
});
