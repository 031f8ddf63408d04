import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { archiveLimits, unpack } from "../../../src/bundle/archive.ts";
import { openBundle } from "../../../src/bundle/bundle.ts";
import { loadBundle } from "../../../src/policy/store.ts";
import { buildBundle, changeBundle, packEntries, simpleSources } from "./opa.ts";

const requirements = { decisionPath: "envoy/authz/allow", key: null };
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
  const opened = await openBundle(bundle, requirements);
  expect(opened.manifest).toMatchObject({ revision: "one", inputFields: null });
  expect(Buffer.from(opened.data).toString()).toBe('{"extra":"one"}\n');
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
    await expect(packEntries([file(name)]).then(unpack)).rejects.toThrow(message);
  });

  test.each(["symlink", "link", "fifo", "character-device"] as const)("a %s", async (type) => {
    const entry = { header: { name: "a", type, linkname: "/etc/passwd" }, body: Buffer.alloc(0) };
    await expect(packEntries([entry]).then(unpack)).rejects.toThrow(
      "only regular files are accepted",
    );
  });

  test("the same name twice, however it is written", async () => {
    const twice = packEntries([file("/data.json"), file("./data.json")]);
    await expect(twice.then(unpack)).rejects.toThrow('"data.json" is in it twice');
  });

  test("too many files", async () => {
    const many = Array.from({ length: archiveLimits.files + 1 }, (_, at) => file(`f${at}`));
    await expect(packEntries(many).then(unpack)).rejects.toThrow("it has too many files");
  });
});

test("directories are passed over", async () => {
  const archive = await packEntries([
    { header: { name: "a/", type: "directory" }, body: Buffer.alloc(0) },
    file("a/b"),
  ]);
  expect([...(await unpack(archive)).keys()]).toEqual(["a/b"]);
});

describe("bundles that are refused", () => {
  test.each([
    ["no manifest", ".manifest", null, "it has no .manifest"],
    ["no module", "policy.wasm", null, '.manifest names "/policy.wasm", which is not in it'],
    ["a module that is none", "policy.wasm", "x", "Cannot load policy.wasm"],
    ["YAML", "a/data.yaml", "a: 1", '"a/data.yaml" is YAML'],
    ["a delta", "patch.json", "{}", "it is a delta bundle"],
    ["data that is no JSON", "data.json", "{", '"data.json" is not JSON'],
    ["data with more behind it", "data.json", "{} {}", '"data.json" is not JSON'],
    ["data that is no object", "data.json", "[]", '"data.json" is not a JSON object'],
    ["data that is defined again", "extra/data.json", '{"a":1}', 'says again what "extra" is'],
  ])("%s", async (_name, name, text, message) => {
    await expect(
      withFile(name, text).then((bytes) => loadBundle(bytes, requirements)),
    ).rejects.toThrow(message);
  });

  test("one that was built for Rego only", async () => {
    await expect(
      withFile(".manifest", '{"revision":"x","roots":[""]}').then((bytes) =>
        openBundle(bytes, requirements),
      ),
    ).rejects.toThrow('it has no compiled entrypoint "envoy/authz/allow" (it has none)');
  });

  test("one with another entrypoint, which is named", async () => {
    await expect(openBundle(bundle, { ...requirements, decisionPath: "a/b" })).rejects.toThrow(
      'it has no compiled entrypoint "a/b" (it has "envoy/authz/allow")',
    );
  });

  test("data outside of the roots", async () => {
    const manifest = {
      roots: ["envoy"],
      wasm: [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }],
    };
    await expect(
      withFile(".manifest", JSON.stringify(manifest)).then((bytes) =>
        openBundle(bytes, requirements),
      ),
    ).rejects.toThrow('data at "extra" is not under the roots');
  });

  test("one that declares an input that does not exist", async () => {
    const sources = {
      ...simpleSources(),
      ".manifest": JSON.stringify({ metadata: { bouncer: { input: ["parsed_paths"] } } }),
    };
    await expect(
      buildBundle(sources).then((bytes) => loadBundle(bytes, requirements)),
    ).rejects.toThrow('metadata.bouncer.input has "parsed_paths", accepted are ');
  });

  test("one that needs built-ins that are missing, which are named", async () => {
    const sources = {
      "authz.rego": `package envoy.authz
allow if time.now_ns() > count(net.lookup_ip_addr("localhost"))`,
    };
    await expect(
      buildBundle(sources).then((bytes) => loadBundle(bytes, requirements)),
    ).rejects.toThrow(/not supported: (?:net\.lookup_ip_addr, time\.now_ns|time.*net.*)$/);
  });
});

test("data of several files is merged, numbers as written", async () => {
  const bytes = await changeBundle(bundle, (entries) => [
    ...entries,
    file("/b/c/data.json", '{"big":12345678901234567890,"x":{"one":1.50}}'),
    file("/b/data.json", '{"c":{"x":{"two":2}}}'),
  ]);
  const opened = await openBundle(bytes, requirements);
  expect(Buffer.from(opened.data).toString()).toBe(
    '{"b":{"c":{"big":12345678901234567890,"x":{"one":1.50,"two":2}}},"extra":"one"}',
  );
});
