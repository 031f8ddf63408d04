import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseGlob } from "./glob.ts";

/** As the tests of Go's filepath.Match have them, and some more. */
test.each([
  ["abc", "abc", true],
  ["*", "abc", true],
  ["*c", "abc", true],
  ["a*", "a", true],
  ["a*", "ab/c", false],
  ["a*/b", "abc/b", true],
  ["a*/b", "a/c/b", false],
  ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
  ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
  ["a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false],
  ["a*b?c*x", "abxbbxdbxebxczzx", true],
  ["a*b?c*x", "abxbbxdbxebxczzy", false],
  ["ab[c]", "abc", true],
  ["ab[b-d]", "abc", true],
  ["ab[^b-d]", "abc", false],
  ["ab[^e-g]", "abc", true],
  [String.raw`a\*b`, "a*b", true],
  [String.raw`a\*b`, "ab", false],
  ["a?b", "a/b", false],
  ["a[^a]b", "a\u263Ab", true],
  ["*x", "xxx", true],
  [String.raw`[\]a]`, "]", true],
  ["", "", true],
  ["", "a", false],
])("%s and %s: %s", (pattern, path, expected) => {
  expect(parseGlob(pattern)?.(path)).toBe(expected);
});

test.each(["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "[a-b-c]", "a\\"])(
  "%s is no pattern",
  (pattern) => {
    expect(parseGlob(pattern)).toBeNull();
  },
);

test("the time does not explode", () => {
  const matches = parseGlob(`${"*a".repeat(200)}*b`);
  expect(matches?.("a".repeat(5000))).toBe(false);
});

test("every text without what has a meaning matches itself, and only itself", () => {
  const plain = fc.string().filter((text) => !/[*?[\\]/.test(text));
  fc.assert(
    fc.property(plain, plain, (one, other) => {
      expect(parseGlob(one)?.(other)).toBe(one === other);
    }),
  );
});
