/** The measurement as people read it, and as it is kept. Pure. */
import type { Cell, Measured, Measurement } from "./measure.ts";

const head =
  "pod       load        server    offered/s   done/s     p50     p90     p99     max  CPU s/1000";

export function formatTable({ sizes, memory }: Measurement): string {
  const rows = sizes.flatMap(formatSize);
  const rss = memory.map(
    ({ admissions, rssMiB, peakMiB }) =>
      `${String(admissions).padStart(10)} admissions  ${rssMiB.toFixed(1).padStart(7)} MiB  (highest ${peakMiB.toFixed(1)})`,
  );
  return `${[head, ...rows, "", "resident memory of the injector", ...rss].join("\n")}\n`;
}

function formatSize({ bytes, paced, saturated }: Measured): string[] {
  const size = `${bytes / 1024} KiB`;
  return [
    formatCell(size, ["open loop", "injector"], paced.injector),
    formatCell(size, ["open loop", "floor"], paced.floor),
    formatRatio(size, "open loop", paced),
    formatCell(size, ["saturated", "injector"], saturated.injector),
    formatCell(size, ["saturated", "floor"], saturated.floor),
    formatRatio(size, "saturated", saturated),
  ];
}

const place = (size: string, load: string, server: string): string =>
  `${size.padEnd(9)} ${load.padEnd(11)} ${server.padEnd(9)}`;

function formatCell(size: string, [load, server]: readonly [string, string], cell: Cell): string {
  const { p50, p90, p99, max } = cell.latencyMs;
  const latencies = [p50, p90, p99, max].map((value) => value.toFixed(2).padStart(7)).join(" ");
  const offered = cell.rate === 0 ? "" : String(cell.rate);
  return `${place(size, load, server)} ${offered.padStart(9)} ${cell.perSecond.toFixed(0).padStart(8)} ${latencies} ${cell.cpuSecondsPer1000.toFixed(2).padStart(11)}`;
}

interface Pair {
  readonly injector: Cell;
  readonly floor: Cell;
}

function formatRatio(size: string, load: string, { injector, floor }: Pair): string {
  const ratio = (read: (cell: Cell) => number) => `${(read(injector) / read(floor)).toFixed(2)}x`;
  const latencies = (["p50", "p90", "p99", "max"] as const).map((key) =>
    ratio(({ latencyMs }) => latencyMs[key]).padStart(7),
  );
  const done = ratio(({ perSecond }) => perSecond).padStart(8);
  const cpu = ratio(({ cpuSecondsPer1000 }) => cpuSecondsPer1000).padStart(11);
  return `${place(size, load, "ratio")} ${"".padStart(9)} ${done} ${latencies.join(" ")} ${cpu}`;
}

/** Three digits behind the point are more than the noise. */
const round = (_key: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value;

export function formatJson(result: object): string {
  return `${JSON.stringify(result, round, 2)}\n`;
}
