import jsonPatch from "fast-json-patch";
import { expect, test } from "vitest";
import { buildCaBundlePatch } from "./ca-bundle.ts";
import type { WebhookEntry } from "./ca-bundle.ts";

const configuration = (entries: readonly WebhookEntry[]) => ({
  webhooks: entries.map(({ name, caBundle }) => ({
    name,
    clientConfig: { service: { name: "x" }, ...(caBundle === undefined ? {} : { caBundle }) },
  })),
});

test.each([
  { state: "absent", entries: [{ name: "a", caBundle: undefined }], operations: 2 },
  { state: "other", entries: [{ name: "a", caBundle: "old" }], operations: 3 },
  { state: "there", entries: [{ name: "a", caBundle: "new" }], operations: 0 },
  {
    state: "there in one of two",
    entries: [
      { name: "a", caBundle: "new" },
      { name: "b", caBundle: undefined },
    ],
    operations: 2,
  },
  { state: "without webhooks", entries: [], operations: 0 },
])("a caBundle that is $state", ({ entries, operations }) => {
  const patch = buildCaBundlePatch(entries, "new");
  expect(patch).toHaveLength(operations);
  const { newDocument } = jsonPatch.applyPatch(configuration(entries), patch, true, false);
  const wanted = entries.map(({ name }) => ({ name, caBundle: "new" }));
  expect(newDocument).toEqual(configuration(wanted));
});

test.each([
  { change: "another webhook is in its place", to: [{ name: "b", caBundle: "old" }] },
  { change: "somebody changed it meanwhile", to: [{ name: "a", caBundle: "newer" }] },
])("fails when $change", ({ to }) => {
  const patch = buildCaBundlePatch([{ name: "a", caBundle: "old" }], "new");
  expect(() => jsonPatch.applyPatch(configuration(to), patch, true, false)).toThrow(/test/i);
});
