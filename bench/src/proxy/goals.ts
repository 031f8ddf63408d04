/**
 * The goals of the data path, each a number of one run: a ratio to a peer in the same run, or an
 * amount. Pure.
 */
import type { Cell, Latency } from "./measure.ts";
import type { Idle, Standing } from "./standing.ts";

export interface Results {
  readonly cells: readonly Cell[];
  readonly standing: readonly Standing[];
  readonly idle: readonly Idle[];
}

export interface Goal {
  readonly title: string;
  /** Not more than this. */
  readonly limit: number;
  readonly unit: "ratio" | "MiB" | "ms";
  /** Not a number: it was not measured. */
  readonly value: number;
}

type Place = readonly [load: string, target: string];

function createReader({ cells, standing, idle }: Results) {
  const find = ([load, target]: Place): Cell | undefined =>
    cells.find((cell) => cell.load === load && cell.target === target);
  return {
    cpu: (place: Place): number => find(place)?.cpu.median ?? Number.NaN,
    peak: (place: Place): number => find(place)?.peakMiB ?? Number.NaN,
    /** Beyond what the same request takes without a proxy. */
    added: ([load, target]: Place, percentile: keyof Latency): number => {
      const [with_, without] = [target, "direct"].map(
        (name) => find([load, name])?.latency?.[percentile].median ?? Number.NaN,
      );
      return (with_ ?? Number.NaN) - (without ?? Number.NaN);
    },
    standing: (target: string): { readonly [key in "rss" | "pss" | "startMs"]: number } => {
      const found = standing.find((one) => one.target === target);
      const { rss = Number.NaN, pss = Number.NaN } = found ?? {};
      return { rss, pss, startMs: found?.startMs.median ?? Number.NaN };
    },
    idle: (target: string): number => idle.find((one) => one.target === target)?.rss ?? Number.NaN,
  };
}

export const percentiles = ["p50", "p95", "p99"] as const satisfies readonly (keyof Latency)[];
const rates = [500, 2000] as const;
const connections = [1, 16, 64, 256] as const;
/** Loads under which the memory of the bouncer has a limit. */
const heavy = [
  ...(["get-1", "get-16", "get-64", "get-256", "unique", "refused", "post-10k"] as const),
  ...(["post-1m", "get-1m", "post-1m-256", "get-1m-256", "grpc", "websocket"] as const),
];

const amount = (title: string, value: number, limit: number, unit: "MiB" | "ms"): Goal => ({
  title,
  limit,
  unit,
  value,
});

export function judge(results: Results): readonly Goal[] {
  const read = createReader(results);
  return [...judgeCpu(read), ...judgeLatency(read), ...judgeMemory(read), ...judgeGrowth(read)];
}

type Read = ReturnType<typeof createReader>;

const ratio =
  (read: Read, limit: number) =>
  (title: string, mine: Place, other: Place): Goal => ({
    title: `CPU, ${title}`,
    limit,
    unit: "ratio",
    value: read.cpu(mine) / read.cpu(other),
  });

function judgeCpu(read: Read): readonly Goal[] {
  const toEnvoy = (title: string, load: string, limit: number): Goal =>
    ratio(read, limit)(`${title}, to Envoy`, [load, "bouncer"], [load, "envoy"]);
  const toHaproxy = (title: string, load: string): Goal =>
    ratio(read, 1.5)(`${title}, to HAProxy with its log`, [load, "bouncer"], [load, "haproxy-log"]);
  const undecided: Place = ["unique", "bouncer-no-cache"];
  return [
    ...connections.map((count) => toEnvoy(`GET 1 KB, c${count}`, `get-${count}`, 0.6)),
    ...connections.map((count) => toHaproxy(`GET 1 KB, c${count}`, `get-${count}`)),
    ratio(read, 0.75)("every request decided by Wasm, to Envoy", undecided, ["unique", "envoy"]),
    ratio(read, 1)("unique requests, cache on to off", ["unique", "bouncer"], undecided),
    toEnvoy("refusals", "refused", 0.3),
    toEnvoy("POST 10 KB", "post-10k", 0.65),
    toEnvoy("POST 1 MB", "post-1m", 1.3),
    toEnvoy("GET 1 MB", "get-1m", 1.3),
    toEnvoy("gRPC unary", "grpc", 1.3),
    toEnvoy("WebSocket echo", "websocket", 1),
  ];
}

function judgeLatency(read: Read): readonly Goal[] {
  return rates.flatMap((rate) =>
    percentiles.map((percentile): Goal => {
      const title = `added ${percentile.toUpperCase()} at ${rate}/s, limit: Envoy's`;
      const load = `rate-${rate}`;
      const envoy = read.added([load, "envoy"], percentile);
      return amount(title, read.added([load, "bouncer"], percentile), envoy, "ms");
    }),
  );
}

function judgeMemory(read: Read): readonly Goal[] {
  const { rss, pss, startMs } = read.standing("bouncer");
  return [
    amount("RSS idle", rss, 60, "MiB"),
    amount("PSS idle, three instances", pss, 20, "MiB"),
    amount("start to first answer", startMs, 120, "ms"),
    ...heavy.map((load) => amount(`peak RSS, ${load}`, read.peak([load, "bouncer"]), 96, "MiB")),
    amount("RSS, 10,000 idle connections", read.idle("bouncer"), 128, "MiB"),
  ];
}

/** What ought to be flat may be off by this much: it is the noise of a quiet machine. */
const flat = 1.1;

function judgeGrowth(read: Read): readonly Goal[] {
  const flatRatio = ratio(read, flat);
  return [
    ...[1000, 10_000].map((count) => {
      const title = `${count} connections to 64, 64 busy`;
      return flatRatio(title, [`many-${count}`, "bouncer"], ["many-64", "bouncer"]);
    }),
    ...[100, 1000, 10_000].map((rules) => {
      const [more, least] = [rules, 10].map((count) => `bouncer-${count}-rules`);
      return flatRatio(`${rules} rules to 10`, ["rules", more ?? ""], ["rules", least ?? ""]);
    }),
  ];
}

/** Null: not measured. */
export function isMet({ value, limit }: Goal): boolean | null {
  return Number.isNaN(value) || Number.isNaN(limit) ? null : value <= limit;
}
