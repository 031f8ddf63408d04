import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readJson } from "./json.ts";
import { type Branch, follow, merge, plant, printTree, type Tree } from "./tree.ts";

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
  expect(printTree(readJson(text))).toBe(canonical);
});

test("what is printed is what was parsed, whatever it is", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const printed = printTree(readJson(text));
      expect(JSON.parse(printed)).toEqual(JSON.parse(text));
      expect(printTree(readJson(printed))).toBe(printed);
    }),
  );
});

function branch(text: string): Branch {
  const tree = readJson(text);
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

/** What it answers with, or which kind of error it throws. */
function attempt(run: () => unknown): unknown {
  try {
    return { value: run() };
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

test("what is no JSON is refused as JSON.parse does, what is JSON is read as it does", () => {
  const texts = fc.oneof(
    fc.string({
      unit: fc.constantFrom(...Array.from('{}[],:"\\\\u0129-+.eE truefalsn\\n\\t\\u0001')),
    }),
    fc.json().chain((json) =>
      fc.tuple(fc.nat(json.length), fc.string({ maxLength: 2 })).map(
        // One character in it is others.
        ([at, other]) => json.slice(0, at) + other + json.slice(at + 1),
      ),
    ),
  );
  fc.assert(
    fc.property(texts, (text) => {
      // Half a pair of surrogates is printed as another character.
      fc.pre(!/\\ud/i.test(text));
      const expected = attempt(() => JSON.parse(text));
      const found = attempt(() => JSON.parse(printTree(readJson(text))));
      expect(found).toEqual(expected);
    }),
  );
});

test.each([
  ["2000 levels are read", 2000, "read"],
  ["2001 are not", 2001, "it is nested deeper than 2000"],
  ["nor are more than the stack has", 1_000_000, "it is nested deeper than 2000"],
])("%s", (_name, depth, outcome) => {
  const text = "[".repeat(depth) + "]".repeat(depth);
  const read = (): string => {
    readJson(text);
    return "read";
  };
  const found = (() => {
    try {
      return read();
    } catch (error) {
      return error instanceof SyntaxError ? error.message : "another error";
    }
  })();
  expect(found).toBe(outcome);
});
