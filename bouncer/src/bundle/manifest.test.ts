import { describe, expect, test } from "vitest";
import { findForeign, isOwned, parseManifest } from "./manifest.ts";

const withRoots = (...roots: readonly string[]) => parseManifest(JSON.stringify({ roots }));

test("an empty manifest owns everything and declares nothing", () => {
  expect(parseManifest("{}")).toEqual({
    revision: "",
    roots: [[]],
    resolvers: [],
    inputFields: null,
  });
});

test("what is read of a manifest", () => {
  const text = JSON.stringify({
    revision: "r7",
    roots: ["/a/b/", "c"],
    wasm: [{ entrypoint: "a/b/allow", module: "/policy.wasm", annotations: [] }],
    rego_version: 1,
    metadata: { team: "x", bouncer: { input: ["parsed_path"] } },
  });
  expect(parseManifest(text)).toEqual({
    revision: "r7",
    roots: [["a", "b"], ["c"]],
    resolvers: [{ entrypoint: "a/b/allow", module: "/policy.wasm" }],
    inputFields: ["parsed_path"],
  });
});

test.each([
  ["{", "Cannot read .manifest: file: "],
  ["7", "Cannot read .manifest: file: "],
  ['{"revision": 7}', "Cannot read .manifest: revision: "],
  ['{"metadata": {"bouncer": {"input": "x"}}}', "Cannot read .manifest: metadata.bouncer.input: "],
  ['{"roots": ["a", "a/b"]}', 'Cannot read .manifest: roots "a" and "a/b" overlap'],
  ['{"roots": ["", "a"]}', 'Cannot read .manifest: roots "" and "a" overlap'],
  ['{"roots": ["a", "a"]}', 'Cannot read .manifest: roots "a" and "a" overlap'],
])("%s is refused", (text, message) => {
  expect(() => parseManifest(text)).toThrow(message);
});

describe("roots", () => {
  test.each([
    [["a/b"], "a/b", true],
    [["a/b"], "a/b/c", true],
    [["a/b"], "a/bc", false],
    [["a/b"], "a", false],
    [[""], "x", true],
  ])("%j own %s: %s", (roots, path, owned) => {
    expect(isOwned(withRoots(...roots), path.split("/"))).toBe(owned);
  });

  test.each([
    [["a/b", "c"], { a: { b: { x: 1 } }, c: 1 }, null],
    [["a/b"], { a: { b: 1, d: 2 } }, ["a", "d"]],
    [["a/b"], { a: 1 }, ["a"]],
    [["a/b"], {}, null],
    [[""], { anything: 1 }, null],
    [["a"], { ab: 1 }, ["ab"]],
  ])("%j and data %j: foreign is %j", (roots, data, foreign) => {
    expect(findForeign(withRoots(...roots), data)).toEqual(foreign);
  });
});
