import { beforeAll, expect, test } from "vitest";
import { type Outcomes, runRows } from "./row.ts";
import { rows } from "./rows.ts";
import { ours } from "./target/ours.ts";

let outcomes: Outcomes;

beforeAll(async () => {
  outcomes = await runRows(ours, rows, { deadlineMs: 20_000, concurrency: 8 });
}, 300_000);

test("each row has a name of its own", () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

test.each(rows.map(({ name }) => name))("%s", (name) => {
  expect(outcomes.get(name)).toBeNull();
});
