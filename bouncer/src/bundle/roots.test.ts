import { describe, expect, test } from "vitest";
import { readJson } from "./json.ts";
import { findForeign, findOverlap, isOwned, isSameRoots, parseRoot } from "./roots.ts";

const rootsOf = (texts: readonly string[]) => texts.map(parseRoot);

test.each([
  [["a/b"], "a/b", true],
  [["a/b"], "a/b/c", true],
  [["a/b"], "a/bc", false],
  [["a/b"], "a", false],
  [["/a/b/"], "a/b", true],
  [[""], "x", true],
  [["/"], "x", true],
  [[], "x", false],
])("%j own %s: %s", (roots, path, owned) => {
  expect(isOwned(rootsOf(roots), path.split("/"))).toBe(owned);
});

describe("overlaps", () => {
  test.each([
    [["a"], ["b"], null],
    [["a/b"], ["a/bc"], null],
    [["a/b"], ["a/b"], ["a/b", "a/b"]],
    [["x", "a"], ["a/b"], ["a", "a/b"]],
    [["a/b/c"], ["y", "a/b"], ["a/b/c", "a/b"]],
    [[""], ["a"], ["", "a"]],
    [[], ["a"], null],
  ])("%j and %j: %j", (one, other, overlap) => {
    const found = findOverlap(rootsOf(one), rootsOf(other));
    expect(found?.map((path) => path.join("/")) ?? null).toEqual(overlap);
  });
});

test.each([
  [["a/b", "c"], { a: { b: { x: 1 } }, c: 1 }, null],
  [["a/b"], { a: { b: 1, d: 2 } }, ["a", "d"]],
  [["a/b"], { a: 1 }, ["a"]],
  [["a/b"], {}, null],
  [[""], { anything: 1 }, null],
  [["a"], { ab: 1 }, ["ab"]],
  [[], {}, []],
])("%j and data %j: foreign is %j", (roots, data, foreign) => {
  expect(findForeign(rootsOf(roots), readJson(JSON.stringify(data)))).toEqual(foreign);
});

test.each([
  [["a", "b"], ["b", "a"], true],
  [["/a/"], ["a"], true],
  [["a"], ["a", "b"], false],
  [[""], [], false],
])("%j and %j are the same: %s", (one, other, same) => {
  expect(isSameRoots(rootsOf(one), rootsOf(other))).toBe(same);
});
