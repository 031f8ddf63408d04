import { expect, test } from "vitest";
import { isMet, judge, type Results } from "./goals.ts";
import type { Cell } from "./measure.ts";
import { drawPlot } from "./plot.ts";
import { findLost, formatReport } from "./report.ts";
import type { Spread } from "./statistics.ts";

const spread = (median: number): Spread => ({ median, least: median * 0.95, most: median * 1.1 });

function cell(load: string, target: string, cpu: number, latencyMs: number | null = null): Cell {
  const latency =
    latencyMs === null
      ? null
      : { p50: spread(latencyMs), p95: spread(latencyMs * 1.5), p99: spread(latencyMs * 4) };
  return {
    load,
    target,
    cpu: spread(cpu),
    perSecond: spread(20_000),
    peakMiB: 80,
    others: 0.01,
    latency,
  };
}

const results: Results = {
  cells: [
    cell("get-16", "haproxy-log", 0.2),
    cell("get-16", "envoy", 0.5),
    cell("get-16", "envoy-opa-log", 4.4),
    cell("get-16", "bouncer", 0.32),
    cell("post-10k", "haproxy-log", 0.21),
    cell("post-10k", "envoy", 0.6),
    cell("post-10k", "bouncer", 0.36),
    cell("rate-2000", "direct", 0, 0.1),
    cell("rate-2000", "haproxy-log", 0.5, 0.2),
    cell("rate-2000", "envoy", 1.2, 0.3),
    cell("rate-2000", "bouncer", 1, 0.25),
  ],
  standing: [{ target: "bouncer", startMs: spread(110), rss: 58, pss: 21 }],
  idle: [{ target: "bouncer", connections: 10_000, rss: 120, peak: 130 }],
};
const names = {
  loads: [
    { name: "get-16", title: "GET 1 KB, 16 connections" },
    { name: "post-10k", title: "POST 10 KB, 16 connections" },
    { name: "rate-2000", title: "GET 1 KB, 2000 requests a second" },
  ],
  targets: [
    { name: "direct", title: "no proxy" },
    { name: "haproxy-log", title: "HAProxy with its log" },
    { name: "envoy", title: "Envoy" },
    { name: "envoy-opa-log", title: "Envoy + adapter + OPA, decision log" },
    { name: "bouncer", title: "bouncer" },
  ],
};

test("the report", async () => {
  const outcomes = {
    results,
    failures: [{ load: "grpc", target: "bouncer", problem: "answered 502 instead of 200" }],
    logged: [
      { target: "envoy-log", requests: 1000, lines: 995 },
      { target: "haproxy-log", requests: 1000, lines: 980 },
    ],
  };
  await expect(formatReport(outcomes, names)).toMatchFileSnapshot("golden/report.txt");
});

test("the plot", async () => {
  await expect(drawPlot(results, names)).toMatchFileSnapshot("golden/plot.svg");
});

test("a plot of nothing is a picture, too", () => {
  expect(drawPlot({ cells: [], standing: [], idle: [] }, names)).toContain("</svg>");
});

test("goals that were not measured are neither met nor missed", () => {
  const met = judge(results).filter((goal) => isMet(goal) === true);
  const missed = judge(results).filter((goal) => isMet(goal) === false);
  expect(met.map(({ title }) => title)).toMatchInlineSnapshot(`
    [
      "CPU, POST 10 KB, to Envoy",
      "added P50 at 2000/s, limit: Envoy's",
      "added P95 at 2000/s, limit: Envoy's",
      "added P99 at 2000/s, limit: Envoy's",
      "RSS idle",
      "start to first answer",
      "peak RSS, get-16",
      "peak RSS, post-10k",
      "RSS, 10,000 idle connections",
    ]
  `);
  expect(missed.map(({ title }) => title)).toMatchInlineSnapshot(`
    [
      "CPU, GET 1 KB, c16, to Envoy",
      "CPU, GET 1 KB, c16, to HAProxy with its log",
      "PSS idle, three instances",
    ]
  `);
  expect(judge({ cells: [], standing: [], idle: [] }).map(isMet)).not.toContain(true);
});

test("a log that lost a hundredth is told", () => {
  const logged = [{ target: "a", requests: 100, lines: 98 }];
  expect(findLost(logged)).toEqual(logged);
  expect(findLost([{ target: "a", requests: 100, lines: 99 }])).toEqual([]);
});
