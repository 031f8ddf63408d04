/** The measurement as people read it. Pure. */
import { type Goal, isMet, judge, percentiles, type Results } from "./goals.ts";
import type { Load } from "./loads.ts";
import type { Cell, Failure, Logged } from "./measure.ts";
import type { Spread } from "./statistics.ts";

export interface Names {
  readonly loads: readonly Pick<Load, "name" | "title">[];
  readonly targets: readonly { readonly name: string; readonly title: string }[];
}

type Row = readonly string[];

/** The first column to the left, the others to the right. */
function align(rows: readonly Row[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

const digits = (value: number): string => {
  if (Number.isNaN(value)) return "-";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value < 0.1 ? 3 : 2);
};

/** How far the rounds were from the middle one, on the side where they were farther. */
function spread({ median, least, most }: Spread): string {
  const share = Math.max(most - median, median - least) / median;
  return share < 10 ? `±${Math.round(share * 100)}%` : `±${Math.round(share)}x`;
}

function formatLoad(load: Names["loads"][number], cells: readonly Cell[], names: Names): string[] {
  const mine = cells.filter((cell) => cell.load === load.name);
  if (mine.length === 0) return [];
  const compared = (name: string): number =>
    mine.find(({ target }) => target === name)?.cpu.median ?? Number.NaN;
  const envoy = compared("envoy");
  const haproxy = compared("haproxy-log");
  const isPaced = mine.some(({ latency }) => latency !== null);
  const head = [
    "",
    "CPU s/10k",
    "",
    "to Envoy",
    "to HAProxy+log",
    "requests/s",
    "peak MiB",
    "others",
  ];
  const rows = mine.map(({ target, cpu, perSecond, peakMiB, others, latency }) => [
    `  ${names.targets.find(({ name }) => name === target)?.title ?? target}`,
    // What is not proxied costs nothing here.
    ...(target === "direct"
      ? ["-", "", "-", "-"]
      : [
          digits(cpu.median),
          spread(cpu),
          digits(cpu.median / envoy),
          digits(cpu.median / haproxy),
        ]),
    perSecond.median.toFixed(0),
    target === "direct" ? "-" : peakMiB.toFixed(0),
    target === "direct" ? "-" : `${Math.round(others * 100)}%`,
    ...(latency === null
      ? []
      : percentiles.map((key) => `${digits(latency[key].median)} ${spread(latency[key])}`)),
  ]);
  const header = isPaced ? [...head, "P50 ms", "P95 ms", "P99 ms"] : head;
  return [load.title, ...align([header, ...rows]), ""];
}

function formatMemory({ standing, idle }: Results, names: Names): string[] {
  const title = (target: string): string =>
    `  ${names.targets.find(({ name }) => name === target)?.title ?? target}`;
  const rows = standing.map(({ target, startMs, rss, pss }) => {
    const idleRss = idle.find((one) => one.target === target)?.rss ?? Number.NaN;
    return [title(target), digits(startMs.median), digits(rss), digits(pss), digits(idleRss)];
  });
  if (rows.length === 0) return [];
  const head = ["", "start ms", "RSS MiB", "PSS MiB (of 3)", "RSS, 10,000 idle connections"];
  return ["At rest", ...align([head, ...rows]), ""];
}

/** Without those of which nothing was measured. */
function formatGoals(goals: readonly Goal[]): string[] {
  const rows = goals.flatMap((goal) => {
    const met = isMet(goal);
    if (met === null) return [];
    const unit = goal.unit === "ratio" ? "" : ` ${goal.unit}`;
    const verdict = met ? "met" : "MISSED";
    return [[goal.title, `${digits(goal.value)}${unit}`, `<= ${digits(goal.limit)}`, verdict]];
  });
  if (rows.length === 0) return [];
  return ["Goals of the bouncer", ...align([["", "measured", "goal", ""], ...rows]), ""];
}

/** Fewer lines than this share of the requests: the log lost some. */
const enough = 0.99;

export function findLost(logged: readonly Logged[]): readonly Logged[] {
  return logged.filter(({ requests, lines }) => lines < requests * enough);
}

export interface Outcomes {
  readonly results: Results;
  readonly failures: readonly Failure[];
  readonly logged: readonly Logged[];
}

export function formatReport({ results, failures, logged }: Outcomes, names: Names): string {
  const lost = findLost(logged).map(
    ({ target, requests, lines }) => `${target} logged ${lines} lines for ${requests} requests`,
  );
  const failed = failures.map(
    ({ load, target, problem }) => `FAILED: ${target} under ${load}: ${problem}`,
  );
  const lines = [
    ...names.loads.flatMap((load) => formatLoad(load, results.cells, names)),
    ...formatMemory(results, names),
    ...formatGoals(judge(results)),
    ...lost,
    ...failed,
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}
