/** The measurement as people read it, and what of it is beyond what is promised. Pure. */
import type { Round, Sample } from "./measure.ts";

/** What is promised of one bouncer that is idle, and of one of several; of the start. */
export const bounds = { rssMiB: 60, pssMiB: 20, answeredMs: 120 } as const;

export interface Row {
  readonly name: string;
  /** Medians. */
  readonly values: Sample;
  /** The least and the most of `answeredMs` and `rss`. */
  readonly spread: { readonly answeredMs: Span; readonly rss: Span };
}

type Span = readonly [least: number, most: number];

const middle = (numbers: readonly number[]): number =>
  numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? Number.NaN;

function summarize(name: string, samples: readonly Sample[]): Row {
  const of = (key: keyof Sample): readonly number[] => samples.map((sample) => sample[key]);
  const span = (key: keyof Sample): Span => [Math.min(...of(key)), Math.max(...of(key))];
  return {
    name,
    values: {
      rss: middle(of("rss")),
      pss: middle(of("pss")),
      anonymous: middle(of("anonymous")),
      readyMs: middle(of("readyMs")),
      answeredMs: middle(of("answeredMs")),
      cpuMs: middle(of("cpuMs")),
    },
    spread: { answeredMs: span("answeredMs"), rss: span("rss") },
  };
}

export function summarizeAll(rounds: readonly Round[]): readonly Row[] {
  const copies = rounds[0]?.several.length ?? 0;
  return [
    summarize(
      "Node alone",
      rounds.map(({ bare }) => bare),
    ),
    summarize(
      "one bouncer",
      rounds.map(({ alone }) => alone),
    ),
    summarize(
      `one of ${copies}`,
      rounds.flatMap(({ several }) => several),
    ),
  ];
}

const columns: readonly (readonly [string, keyof Sample])[] = [
  ["ready ms", "readyMs"],
  ["answer ms", "answeredMs"],
  ["CPU ms", "cpuMs"],
  ["RSS MiB", "rss"],
  ["PSS MiB", "pss"],
  ["own MiB", "anonymous"],
];

export function formatTable(rows: readonly Row[]): string {
  const head = ["".padEnd(12), ...columns.map(([title]) => title.padStart(9))].join("  ");
  const lines = rows.map(({ name, values, spread: { answeredMs, rss } }) =>
    [
      name.padEnd(12),
      ...columns.map(([, key]) => values[key].toFixed(key.endsWith("Ms") ? 0 : 1).padStart(9)),
      `  answer ${answeredMs.map((ms) => ms.toFixed(0)).join("-")} ms, RSS ${rss.map((mib) => mib.toFixed(1)).join("-")} MiB`,
    ].join("  "),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

export function findExcess(rows: readonly Row[]): readonly string[] {
  const [, alone, several] = rows;
  if (alone === undefined || several === undefined) return ["nothing was measured"];
  const { rss, answeredMs } = alone.values;
  const { pss } = several.values;
  return [
    ...(rss > bounds.rssMiB
      ? [`idle, it takes ${rss.toFixed(1)} MiB, more than ${bounds.rssMiB}`]
      : []),
    ...(pss > bounds.pssMiB
      ? [`one of several takes ${pss.toFixed(1)} MiB, more than ${bounds.pssMiB}`]
      : []),
    ...(answeredMs > bounds.answeredMs
      ? [`the first answer takes ${answeredMs.toFixed(0)} ms, more than ${bounds.answeredMs}`]
      : []),
  ];
}
