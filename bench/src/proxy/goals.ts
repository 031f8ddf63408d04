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
    standing: (target: string): Standing | undefined =>
      standing.find((one) => one.target === target),
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

export function judge(results: Results): readonly Goal[] {
  const read = createReader(results);
  const ratio = (title: string, [mine, other]: readonly [Place, Place], limit: number): Goal => ({
    title,
    limit,
    unit: "ratio",
    value: read.cpu(mine) / read.cpu(other),
  });
  const toEnvoy = (title: string, load: string, limit: number): Goal =>
    ratio(
      `CPU, ${title}, to Envoy`,
      [
        [load, "bouncer"],
        [load, "envoy"],
      ],
      limit,
    );
  const amount = (title: string, value: number, limit: number, unit: "MiB" | "ms"): Goal => ({
    title,
    limit,
    unit,
    value,
  });
  const standing = read.standing("bouncer");
  const unique = "unique";
  return [
    ...connections.map((count) => toEnvoy(`GET 1 KB, c${count}`, `get-${count}`, 0.6)),
    ...connections.map((count) => {
      const load = `get-${count}`;
      const title = `CPU, GET 1 KB, c${count}, to HAProxy with its log`;
      return ratio(
        title,
        [
          [load, "bouncer"],
          [load, "haproxy-log"],
        ],
        1.5,
      );
    }),
    ratio(
      "CPU, every request decided by Wasm, to Envoy",
      [
        [unique, "bouncer-no-cache"],
        [unique, "envoy"],
      ],
      0.75,
    ),
    ratio(
      "CPU, every request unique, cache on to cache off",
      [
        [unique, "bouncer"],
        [unique, "bouncer-no-cache"],
      ],
      1,
    ),
    toEnvoy("refusals", "refused", 0.3),
    toEnvoy("POST 10 KB", "post-10k", 0.65),
    toEnvoy("POST 1 MB", "post-1m", 1.3),
    toEnvoy("GET 1 MB", "get-1m", 1.3),
    toEnvoy("gRPC unary", "grpc", 1.3),
    toEnvoy("WebSocket echo", "websocket", 1),
    ...rates.flatMap((rate) =>
      percentiles.map((percentile): Goal => {
        const [mine, envoy] = ["bouncer", "envoy"].map((target) =>
          read.added([`rate-${rate}`, target], percentile),
        );
        return amount(
          `added ${percentile.toUpperCase()} at ${rate}/s, limit: Envoy's`,
          mine ?? Number.NaN,
          envoy ?? Number.NaN,
          "ms",
        );
      }),
    ),
    amount("RSS idle", standing?.rss ?? Number.NaN, 60, "MiB"),
    amount("PSS idle, three instances", standing?.pss ?? Number.NaN, 20, "MiB"),
    amount("start to first answer", standing?.startMs.median ?? Number.NaN, 120, "ms"),
    ...heavy.map((load) => amount(`peak RSS, ${load}`, read.peak([load, "bouncer"]), 96, "MiB")),
    amount("RSS, 10,000 idle connections", read.idle("bouncer"), 128, "MiB"),
    ...[1000, 10_000].map((count) =>
      ratio(
        `CPU, ${count} connections to 64, 64 busy`,
        [
          [`many-${count}`, "bouncer"],
          ["many-64", "bouncer"],
        ],
        1.1,
      ),
    ),
    ...[100, 1000, 10_000].map((rules) =>
      ratio(
        `CPU, ${rules} rules to 10`,
        [
          ["rules", `bouncer-${rules}-rules`],
          ["rules", "bouncer-10-rules"],
        ],
        1.1,
      ),
    ),
  ];
}

/** Null: not measured. */
export function isMet({ value, limit }: Goal): boolean | null {
  return Number.isNaN(value) || Number.isNaN(limit) ? null : value <= limit;
}
