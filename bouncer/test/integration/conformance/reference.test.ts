import { expect, test } from "vitest";
import { formatGolden, goldenFile } from "./golden.ts";
import { runRows } from "./row.ts";
import { rows } from "./rows.ts";
import { reference } from "./target/reference.ts";

/** Its parser and its client change with Node and undici. */
const version = `Node ${process.versions.node.split(".")[0]}`;

test("node:http and undici behind the same interface: what differs is known", async () => {
  const outcomes = await runRows(reference, rows, { deadlineMs: 2500, concurrency: 16 });
  await expect(formatGolden({ name: "reference", version, outcomes })).toMatchFileSnapshot(
    goldenFile("reference"),
  );
}, 120_000);
