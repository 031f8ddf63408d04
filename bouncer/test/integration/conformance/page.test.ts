import { expect, test } from "vitest";
import { differences } from "./differences.ts";
import { goldenNames, titles } from "./golden.ts";
import { readGoldens, renderPage } from "./page.ts";
import { groups, rows } from "./rows.ts";

const goldens = readGoldens();

test("docs/reference/http-conformance.md is what was recorded", async () => {
  await expect(renderPage(goldens)).toMatchFileSnapshot(
    "../../../../docs/reference/http-conformance.md",
  );
});

test("what is recorded is of rows that there are", () => {
  const names = new Set(rows.map(({ name }) => name));
  for (const { differs, unasked } of goldens.values()) {
    const unknown = [...Object.keys(differs), ...unasked].filter((name) => !names.has(name));
    expect(unknown).toEqual([]);
  }
});

test.each(groups.map(({ title }) => title))(
  "%s: who differs has a reason, and nobody else",
  (title) => {
    const found = goldenNames.filter((name) =>
      Object.keys(goldens.get(name)?.differs ?? {}).some((row) => row.startsWith(`${title}: `)),
    );
    const explained = goldenNames.filter((name) => differences[title]?.[name] !== undefined);
    expect(explained.map((name) => titles[name])).toEqual(found.map((name) => titles[name]));
  },
);
