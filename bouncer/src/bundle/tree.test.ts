import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Branch, follow, merge, parseTree, plant, printTree, type Tree } from "./tree.ts";

test.each([
  [
    "numbers stay as written",
    '{"a": 1.50, "b": 1e3, "c": -0, "d": 123456789012345678901234567890}',
    '{"a":1.50,"b":1e3,"c":-0,"d":123456789012345678901234567890}',
  ],
  [
    "keys in the order of their bytes",
    '{"\u{1F600}":1,"\uFFFD":2,"b":3,"a":4}',
    '{"a":4,"b":3,"\uFFFD":2,"\u{1F600}":1}',
  ],
  [
    "strings as Go writes them",
    String.raw`["<&>\u2028\u2029\u0001\/\u007f\b\f"]`,
    '["<&>\\u2028\\u2029\\u0001/\u007f\\b\\f"]',
  ],
  ["half a pair is a replacement character", String.raw`["\ud800"]`, '["\uFFFD"]'],
  ["nesting", '{"b":[ {"d":null,"c":[true,false]} ]}', '{"b":[{"c":[true,false],"d":null}]}'],
  ["a name is only a name", '{"__proto__":{"a":1},"a":2}', '{"__proto__":{"a":1},"a":2}'],
  ["the last of two with one name stays", '{"a":1,"a":2}', '{"a":2}'],
])("canonical: %s", (_name, text, canonical) => {
  expect(printTree(parseTree(text))).toBe(canonical);
});

test("what is printed is what was parsed, whatever it is", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const printed = printTree(parseTree(text));
      expect(JSON.parse(printed)).toEqual(JSON.parse(text));
      expect(printTree(parseTree(printed))).toBe(printed);
    }),
  );
});

function branch(text: string): Branch {
  const tree = parseTree(text);
  if (!(tree instanceof Map)) throw new TypeError("no object");
  return tree;
}

test.each([
  ['{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
  ['{"a":{"b":1}}', '{"a":{"c":{}}}', '{"a":{"b":1,"c":{}}}'],
  ['{"a":{"b":1}}', '{"a":{"b":1}}', ["a", "b"]],
  ['{"a":{}}', '{"a":1}', ["a"]],
  ['{"a":[]}', '{"a":{}}', ["a"]],
])("%s and %s together are %j", (one, other, expected) => {
  const tree = branch(one);
  expect(merge(tree, branch(other)) ?? printTree(tree)).toEqual(expected);
});

test("a value is planted under a path, and only an object without one", () => {
  expect(printTree(plant(["a", "b"], true) ?? null)).toBe('{"a":{"b":true}}');
  expect(plant([], ["x"])).toBeNull();
});

test.each<readonly [string, Tree | undefined]>([
  ["a/b", true],
  ["a/c", undefined],
  ["a/b/c", true],
  ["x/y", undefined],
])("the way to %s ends at %j", (path, found) => {
  expect(follow(branch('{"a":{"b":true}}'), path.split("/"))).toEqual(found);
});
