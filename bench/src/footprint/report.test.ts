import { expect, test } from "vitest";
import type { Round, Sample } from "./measure.ts";
import { findExcess, formatTable, summarizeAll } from "./report.ts";

function sampleOf(rss: number, pss: number, answeredMs: number): Sample {
  return { rss, pss, anonymous: pss / 2, readyMs: answeredMs - 1, answeredMs, cpuMs: 50 };
}

function roundOf(alone: Sample, each: Sample): Round {
  return { bare: sampleOf(45, 42, 30), alone, several: [each, each] };
}

const good = roundOf(sampleOf(59, 55, 110), sampleOf(59, 19, 300));
const bad = roundOf(sampleOf(70, 66, 250), sampleOf(70, 25, 300));

test("medians are what counts, with their spread beside them", () => {
  const rows = summarizeAll([good, bad, good]);
  expect(formatTable(rows)).toMatchInlineSnapshot(`
    "               ready ms  answer ms     CPU ms    RSS MiB    PSS MiB    own MiB
    Node alone           29         30         50       45.0       42.0       21.0    answer 30-30 ms, RSS 45.0-45.0 MiB
    one bouncer         109        110         50       59.0       55.0       27.5    answer 110-250 ms, RSS 59.0-70.0 MiB
    one of 2            299        300         50       59.0       19.0        9.5    answer 300-300 ms, RSS 59.0-70.0 MiB
    "
  `);
  expect(findExcess(rows)).toEqual([]);
});

test("what is more than is promised is named", () => {
  expect(findExcess(summarizeAll([good, bad, bad]))).toMatchInlineSnapshot(`
    [
      "idle, it takes 70.0 MiB, more than 60",
      "one of several takes 25.0 MiB, more than 20",
      "the first answer takes 250 ms, more than 120",
    ]
  `);
  expect(findExcess([])).toEqual(["nothing was measured"]);
});
