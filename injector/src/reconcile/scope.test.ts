import { expect, test } from "vitest";
import { scopeOf } from "./scope.ts";

const named = (labels: Readonly<Record<string, string>>) => ({
  name: "shop",
  labels,
  annotations: { a: "b" },
});
const enabled = { "bouncer-injection": "enabled" };

test.each([
  { labels: {}, revision: "", scope: null },
  { labels: { "bouncer-injection": "disabled" }, revision: "", scope: null },
  { labels: { "bouncer.dev/rev": "blue" }, revision: "blue", scope: null },
  { labels: enabled, revision: "", scope: { labels: enabled, served: true } },
  { labels: enabled, revision: "blue", scope: null },
  {
    labels: { ...enabled, "bouncer.dev/rev": "blue" },
    revision: "blue",
    scope: { labels: { ...enabled, "bouncer.dev/rev": "blue" }, served: true },
  },
  { labels: { ...enabled, "bouncer.dev/rev": "blue" }, revision: "green", scope: null },
  // Nobody may serve this revision: counted, but nothing is evicted.
  {
    labels: { ...enabled, "bouncer.dev/rev": "blue" },
    revision: "",
    scope: { labels: enabled, served: false },
  },
])("a namespace with $labels and the installation $revision", ({ labels, revision, scope }) => {
  const expected = scope === null ? null : { namespace: named(scope.labels), served: scope.served };
  expect(scopeOf(named(labels), revision)).toEqual(expected);
});
