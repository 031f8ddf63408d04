import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { packBundle } from "../test/archive.ts";
import { readBundle } from "./bundle.ts";
import { BridgeError } from "./errors.ts";

const limit = 2_000_000;

test.each([
  [
    "as OPA writes it",
    { "/.manifest": '{"revision":"r1","roots":[""]}', "/data.json": "{}" },
    "r1",
  ],
  ["relative names", { "./.manifest": '{"revision":"r2"}', "data.json": "{}" }, "r2"],
  ["no revision", { "/.manifest": "{}", "/data.json": "{}" }, ""],
  ["no manifest", { "/data.json": "{}" }, ""],
  ["a manifest elsewhere is none", { "/x/.manifest": '{"revision":"r"}' }, ""],
  [
    "a revision of any length is cut",
    { "/.manifest": JSON.stringify({ revision: "r".repeat(9999) }) },
    "r".repeat(256),
  ],
])("revision: %s", async (_name, files, revision) => {
  const bytes = await packBundle(files);
  const bundle = await readBundle("policy.tar.gz", bytes, limit);
  expect(bundle).toMatchObject({ name: "policy.tar.gz", revision, bytes });
  expect(bundle.sha256).toMatch(/^[0-9a-f]{64}$/);
});

const whole = await packBundle({
  "/.manifest": '{"revision":"r1"}',
  "/policy.wasm": "x".repeat(5000),
});

test.each([
  ["empty file", Buffer.alloc(0), "bundle_broken"],
  ["not gzip", Buffer.from("hello"), "bundle_broken"],
  ["gzip, not tar", gzipSync("hello"), "bundle_broken"],
  ["half of it", whole.subarray(0, whole.length / 2), "bundle_broken"],
  ["all but the last byte", whole.subarray(0, whole.length - 1), "bundle_broken"],
  ["no files", await packBundle({}), "bundle_broken"],
  ["manifest is not JSON", await packBundle({ "/.manifest": "{" }), "bundle_broken"],
  ["manifest is no object", await packBundle({ "/.manifest": "null" }), "bundle_broken"],
  ["revision is no text", await packBundle({ "/.manifest": '{"revision":1}' }), "bundle_broken"],
  [
    "unpacks to too much",
    await packBundle({ "/data.json": " ".repeat(limit + 1) }),
    "bundle_too_large",
  ],
  [
    "manifest too large",
    await packBundle({ "/.manifest": " ".repeat(1024 * 1024 + 1) }),
    "bundle_too_large",
  ],
])("refused: %s", async (_name, bytes, code) => {
  await expect(readBundle("policy.tar.gz", bytes, limit)).rejects.toMatchObject({ code });
});

test("no bytes at all make it throw anything but its own error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.boolean(), async (bytes, gzip) => {
      const input = gzip ? gzipSync(bytes) : Buffer.from(bytes);
      await expect(readBundle("x.tar.gz", input, limit)).rejects.toBeInstanceOf(BridgeError);
    }),
    { numRuns: 50 },
  );
});
