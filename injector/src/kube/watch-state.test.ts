import { expect, test } from "vitest";
import { applyLine, applyPages, parsePage } from "./watch-state.ts";
import type { WatchState } from "./watch-state.ts";

const pick = (object: unknown): string => {
  const text = JSON.stringify(object);
  if (text.includes("unwanted")) throw new Error("not such an object");
  return text.includes("second") ? "second" : "first";
};

const known = (): WatchState<string> => ({ objects: new Map([["shop", "first"]]), version: "7" });
const object = (name: string, resourceVersion: string, more: object = {}) => ({
  metadata: { name, resourceVersion, ...more },
});
const line = (type: string, about: object): string => JSON.stringify({ type, object: about });

test.each([
  {
    name: "ADDED",
    line: line("ADDED", object("new", "8")),
    kind: "changed",
    objects: { shop: "first", new: "first" },
    version: "8",
  },
  {
    name: "ADDED, and known already",
    line: line("ADDED", object("shop", "8", { labels: { a: "second" } })),
    kind: "changed",
    objects: { shop: "second" },
    version: "8",
  },
  {
    name: "MODIFIED",
    line: line("MODIFIED", object("shop", "8", { labels: { a: "second" } })),
    kind: "changed",
    objects: { shop: "second" },
    version: "8",
  },
  {
    name: "MODIFIED, and not known yet",
    line: line("MODIFIED", object("new", "8")),
    kind: "changed",
    objects: { shop: "first", new: "first" },
    version: "8",
  },
  {
    name: "DELETED",
    line: line("DELETED", object("shop", "8")),
    kind: "changed",
    objects: {},
    version: "8",
  },
  {
    name: "DELETED, and not known",
    line: line("DELETED", object("new", "8")),
    kind: "changed",
    objects: { shop: "first" },
    version: "8",
  },
  {
    name: "BOOKMARK",
    line: line("BOOKMARK", { kind: "Namespace", metadata: { resourceVersion: "99" } }),
    kind: "unchanged",
    objects: { shop: "first" },
    version: "99",
  },
  {
    name: "ERROR 410",
    line: line("ERROR", { kind: "Status", code: 410, reason: "Expired" }),
    kind: "expired",
    objects: { shop: "first" },
    version: null,
  },
  ...[
    { name: "ERROR 500", line: line("ERROR", { kind: "Status", code: 500, message: "etcd" }) },
    { name: "ERROR without a code", line: line("ERROR", {}) },
    { name: "no JSON", line: "<html>" },
    { name: "half of a line", line: line("ADDED", object("new", "8")).slice(0, -4) },
    { name: "JSON that is no event", line: "[]" },
    { name: "an unknown type", line: line("RENAMED", object("new", "8")) },
    { name: "an object without a name", line: line("ADDED", object("", "8")) },
    { name: "an object without a version", line: line("ADDED", object("new", "")) },
    { name: "a bookmark without a version", line: line("BOOKMARK", { metadata: {} }) },
    { name: "another object", line: line("ADDED", object("new", "8", { a: "unwanted" })) },
  ].map((row) => ({ ...row, kind: "failed", objects: { shop: "first" }, version: null })),
])("$name: $kind", ({ line: text, kind, objects, version }) => {
  const step = applyLine(known(), text, pick);
  expect({ kind: step.kind, ...step.state }).toEqual({
    kind,
    objects: new Map(Object.entries(objects)),
    version,
  });
});

test("a list replaces what was known, and the watch goes on from its first page", () => {
  const pages = [
    { metadata: { resourceVersion: "20", continue: "x" }, items: [object("a", "3")] },
    { metadata: { resourceVersion: "21" }, items: [object("b", "4", { labels: { a: "second" } })] },
  ].map((page) => parsePage(page, pick));
  expect(pages.map(({ next }) => next)).toEqual(["x", ""]);
  expect(applyPages(pages)).toEqual({
    objects: new Map([
      ["a", "first"],
      ["b", "second"],
    ]),
    version: "20",
  });
});

test.each([
  { name: "no list", answer: { kind: "Status" } },
  { name: "without a version", answer: { metadata: {}, items: [] } },
  { name: "an item without a name", answer: { metadata: { resourceVersion: "1" }, items: [{}] } },
])("a page that is $name is refused", ({ answer }) => {
  expect(() => parsePage(answer, pick)).toThrow(/Invalid/);
});
