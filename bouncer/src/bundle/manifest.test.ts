import { expect, test } from "vitest";
import { parseManifest } from "./manifest.ts";

test.each(["{}", '{"roots":null,"wasm":null,"metadata":null}'])(
  "%s owns everything and declares nothing",
  (text) => {
    expect(parseManifest(text)).toEqual({
      revision: "",
      roots: [[]],
      resolvers: [],
      inputFields: null,
      serial: null,
    });
  },
);

test("what is read of a manifest", () => {
  const text = JSON.stringify({
    revision: "r7",
    roots: ["/a/b/", "c"],
    wasm: [{ entrypoint: "a/b/allow", module: "/policy.wasm", annotations: [] }],
    rego_version: 1,
    metadata: { team: "x", bouncer: { input: ["parsed_path"], serial: 1_795_000_000 } },
  });
  expect(parseManifest(text)).toEqual({
    revision: "r7",
    roots: [["a", "b"], ["c"]],
    resolvers: [{ entrypoint: "a/b/allow", module: "/policy.wasm" }],
    inputFields: ["parsed_path"],
    serial: 1_795_000_000,
  });
});

const wasm = (...entrypoints: readonly string[]) =>
  entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" }));

test.each([
  ["{", "Cannot read .manifest: file: "],
  ["7", "Cannot read .manifest: file: "],
  ['{"revision": 7}', "Cannot read .manifest: revision: "],
  ['{"metadata": {"bouncer": {"input": "x"}}}', "Cannot read .manifest: metadata.bouncer.input: "],
  ['{"metadata": {"bouncer": {"serial": "7"}}}', "metadata.bouncer.serial: "],
  ['{"metadata": {"bouncer": {"serial": 1.5}}}', "metadata.bouncer.serial: "],
  ['{"metadata": {"bouncer": {"serial": -1}}}', "metadata.bouncer.serial: "],
  ['{"metadata": {"bouncer": {"serial": 9007199254740993}}}', "metadata.bouncer.serial: "],
  ['{"roots": ["a", "a/b"]}', 'Cannot read .manifest: roots "a" and "a/b" overlap'],
  ['{"roots": ["", "a"]}', 'Cannot read .manifest: roots "" and "a" overlap'],
  ['{"roots": ["a/b", "x", "a"]}', 'Cannot read .manifest: roots "a/b" and "a" overlap'],
  ['{"roots": ["a", "/a/"]}', 'Cannot read .manifest: roots "a" and "a" overlap'],
  [
    JSON.stringify({ roots: ["a"], wasm: wasm("a/x", "b/x") }),
    'entrypoint "b/x" is not under its roots',
  ],
  [JSON.stringify({ wasm: wasm("a/x", "a/x") }), 'entrypoint "a/x" is in it twice'],
])("%s is refused", (text, message) => {
  expect(() => parseManifest(text)).toThrow(message);
});
