import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { archiveLimits, isDelta, unpack } from "../../../src/bundle/archive.ts";
import { prepare } from "../../../src/evaluation/prepare.ts";
import { plannedFrom } from "../../../src/policy/plan.ts";
import { buildBundle, changeBundle, manifest, packEntries, simpleSources } from "./opa.ts";
import { requirements } from "./requirements.ts";
import { dataOf, open } from "./rules.ts";

const file = (name: string, text = "x") => ({ header: { name }, body: Buffer.from(text) });

let bundle: Uint8Array;
beforeAll(async () => {
  bundle = await buildBundle(simpleSources());
});

/** The bundle with one file replaced, added or, with null, left out. */
async function withFile(name: string, text: string | null): Promise<Uint8Array> {
  return await changeBundle(bundle, (entries) => {
    const rest = entries.filter((entry) => entry.header.name !== `/${name}`);
    return text === null ? rest : [...rest, file(`/${name}`, text)];
  });
}

test("a bundle as opa builds it", async () => {
  const opened = await open(bundle);
  expect(opened.deciding).toMatchObject({ revision: "one", serial: null, deltas: 0 });
  expect(opened.identities).toEqual([opened.deciding]);
  expect(opened.inputFields).toBeNull();
  expect(dataOf(opened)).toBe('{"extra":"one"}');
  expect(opened.wasm.byteLength).toBeGreaterThan(1000);
});

describe("archives that are refused", () => {
  test.each([
    ["nothing", new Uint8Array(), "file is empty"],
    ["no gzip", Buffer.from("hello"), "it is not gzip"],
    ["no tar", gzipSync("x".repeat(1000)), "it is not a tar archive or is cut off"],
    ["no files", gzipSync(Buffer.alloc(1024)), "it has no files"],
    ["too many bytes", randomBytes(archiveLimits.compressedBytes + 1), "it is larger than"],
    ["a gzip bomb", gzipSync(Buffer.alloc(archiveLimits.unpackedBytes + 1)), "unpacks to too much"],
  ])("%s", async (_name, bytes, message) => {
    await expect(unpack(bytes)).rejects.toThrow(message);
  });

  test.each([1, 100, 512, 2000])("a bundle without its last %d bytes", async (missing) => {
    const cut = bundle.subarray(0, bundle.byteLength - missing);
    await expect(unpack(cut)).rejects.toThrow("cut off");
  });

  test.each([
    ["..", "../etc/passwd", "is not a plain path"],
    [".. inside", "a/../../b", "is not a plain path"],
    ["a dot", "a/./b", "is not a plain path"],
    ["an empty segment", "a//b", "is not a plain path"],
    ["a backslash", String.raw`a\b`, "is not a plain path"],
  ])("a name with %s", async (_name, name, message) => {
    await expect(packEntries([file(name)]).then((bytes) => unpack(bytes))).rejects.toThrow(message);
  });

  test.each(["symlink", "link", "fifo", "character-device"] as const)("a %s", async (type) => {
    const entry = { header: { name: "a", type, linkname: "/etc/passwd" }, body: Buffer.alloc(0) };
    await expect(packEntries([entry]).then((bytes) => unpack(bytes))).rejects.toThrow(
      "only regular files are accepted",
    );
  });

  test("the same name twice, however it is written", async () => {
    const twice = packEntries([file("/data.json"), file("./data.json")]);
    await expect(twice.then((bytes) => unpack(bytes))).rejects.toThrow(
      '"data.json" is in it twice',
    );
  });

  test("too many files", async () => {
    const many = Array.from({ length: archiveLimits.files + 1 }, (_, at) => file(`f${at}`));
    await expect(packEntries(many).then((bytes) => unpack(bytes))).rejects.toThrow(
      "it has more than 4096 files",
    );
  });

  test("a file that is too large, before it is read", async () => {
    const limits = { ...archiveLimits, fileBytes: 10 };
    const large = packEntries([file("a", "x".repeat(11))]);
    await expect(large.then((bytes) => unpack(bytes, limits))).rejects.toThrow(
      '"a" has 11 bytes, more than 10',
    );
    const small = packEntries([file("a", "x".repeat(10))]);
    expect((await unpack(await small, limits)).size).toBe(1);
  });
});

test("directories are passed over", async () => {
  const archive = await packEntries([
    { header: { name: "a/", type: "directory" }, body: Buffer.alloc(0) },
    file("a/b"),
  ]);
  expect([...(await unpack(archive)).keys()]).toEqual(["a/b"]);
});

test("a delta is known by the patch in it, whatever else it is", async () => {
  expect(await isDelta(bundle)).toBe(false);
  expect(await isDelta(await packEntries([file("/patch.json", "{")]))).toBe(true);
  expect(await isDelta(await packEntries([file("x/patch.json", "{}"), file("data.json")]))).toBe(
    true,
  );
  await expect(isDelta(Buffer.from("x"))).rejects.toThrow("it is not gzip");
});

describe("bundles that are refused", () => {
  const overlapping = manifest({ roots: ["a", "a/b"] });
  const elsewhere = manifest({
    wasm: [{ entrypoint: "envoy/authz/allow", module: "/other/policy.wasm" }],
  });
  test.each([
    ["no manifest", ".manifest", null, 'it has no compiled entrypoint "envoy/authz/allow"'],
    ["no module", "policy.wasm", null, '.manifest names "/policy.wasm", which is not in it'],
    ["another module", ".manifest", elsewhere, 'names "/other/policy.wasm", which is not in it'],
    ["two manifests", "a/.manifest", "{}", 'it has ".manifest" and "a/.manifest"'],
    ["a manifest in protobuf", "a.manifest.pb", "", 'it has ".manifest" and "a.manifest.pb"'],
    ["overlapping roots", ".manifest", overlapping, 'roots "a" and "a/b" overlap'],
    ["YAML", "a/data.yaml", "a: 1", '"a/data.yaml" is YAML'],
    ["YAML by its other name", "data.yml", "a: 1", '"data.yml" is YAML'],
    ["a delta", "patch.json", "{}", "it is a delta"],
    ["data that is no JSON", "data.json", "{", '"data.json" is not JSON'],
    ["data with more behind it", "data.json", "{} {}", '"data.json" is not JSON'],
    ["data with a byte order mark", "data.json", "\uFEFF{}", '"data.json" is not JSON'],
    ["data that is no object", "data.json", "[]", '"data.json" is not a JSON object'],
    ["data that is defined again", "extra/data.json", '{"a":1}', 'says again what "extra" is'],
    ["a value for the decision", "envoy/authz/data.json", '{"allow":true}', "have a value where"],
    ["a value above the decision", "envoy/data.json", '{"authz":7}', "have a value where"],
  ])("%s", async (_name, name, text, message) => {
    await expect(withFile(name, text).then((bytes) => open(bytes))).rejects.toThrow(message);
  });

  test("a lone manifest in protobuf", async () => {
    const bytes = await changeBundle(bundle, (entries) => [
      ...entries.filter(({ header }) => header.name !== "/.manifest"),
      file("/.manifest.pb", ""),
    ]);
    await expect(open(bytes)).rejects.toThrow('".manifest.pb" is in protobuf');
  });

  test("one that was built for Rego only", async () => {
    await expect(
      withFile(".manifest", '{"revision":"x","roots":[""]}').then((bytes) => open(bytes)),
    ).rejects.toThrow('it has no compiled entrypoint "envoy/authz/allow" (it has none)');
  });

  test("one with another entrypoint, which is named", async () => {
    await expect(open(bundle, { decisionPath: "a/b" })).rejects.toThrow(
      'it has no compiled entrypoint "a/b" (it has "envoy/authz/allow")',
    );
  });

  test("a module that is none", async () => {
    const bytes = await withFile("policy.wasm", "x");
    const snapshots = [{ name: "policy.tar.gz", bytes, deltas: [] }];
    await expect(prepare({ snapshots, requirements, evaluationBytes: 1_000_000 })).rejects.toThrow(
      "Cannot load policy.wasm",
    );
  });

  test("one that declares an input that does not exist", async () => {
    const declared = manifest({ metadata: { bouncer: { input: ["parsed_paths"] } } });
    const bytes = await buildBundle({ ...simpleSources(), ".manifest": declared });
    const snapshots = [{ name: "policy.tar.gz", bytes, deltas: [] }];
    const prepared = await prepare({ snapshots, requirements, evaluationBytes: 1_000_000 });
    expect(() => plannedFrom(prepared)).toThrow(
      'metadata.bouncer.input has "parsed_paths", accepted are ',
    );
  });

  test("data outside of the roots", async () => {
    const text = manifest({
      roots: ["envoy"],
      wasm: [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }],
    });
    await expect(withFile(".manifest", text).then((bytes) => open(bytes))).rejects.toThrow(
      'data at "extra" is not under the roots',
    );
  });
});

test("what means nothing in a bundle is passed over, as in OPA", async () => {
  const bytes = await changeBundle(bundle, (entries) => [
    ...entries,
    file("/README.md"),
    file("/plan.json", "{"),
    file("/broken.rego", "package"),
    file("/notdata.json", "{"),
    file("/values.yaml", ":"),
  ]);
  expect(dataOf(await open(bytes))).toBe('{"extra":"one"}');
});

test("data of several files is merged, numbers as written", async () => {
  const bytes = await changeBundle(bundle, (entries) => [
    ...entries,
    file("/b/c/data.json", '{"big":12345678901234567890,"x":{"one":1.50}}'),
    file("/b/data.json", '{"c":{"x":{"two":2},"__proto__":{"y":1e3}}}'),
    file("/b/d/data.json", "[1]"),
  ]);
  expect(dataOf(await open(bytes))).toBe(
    '{"b":{"c":{"__proto__":{"y":1e3},"big":12345678901234567890,"x":{"one":1.50,"two":2}},"d":[1]},"extra":"one"}',
  );
});
