/**
 * What is counted of every request, in plain numbers: requests come often, and whoever asks for
 * metrics comes seldom. Pure.
 */
import type { RefusalReason } from "../errors.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import type { Verdict } from "../policy/decision.ts";

type VerdictLabel = Verdict["kind"] | "none";

export interface Count {
  readonly verdict: VerdictLabel;
  readonly reason: RefusalReason | "";
  value: number;
}

/** What there is to show; it can be posted to another thread. */
export interface TallyState {
  readonly requests: { readonly all: readonly Count[] };
  readonly opaque: { readonly all: readonly Count[] };
  readonly durations: readonly Series[];
  readonly evaluations: readonly Series[];
  /** By reason. */
  readonly upstreamErrors: Named;
  readonly shadow: Named;
  readonly degraded: Named;
  /** By who broke off. */
  readonly aborted: Named;
}

export type Named = ReadonlyMap<string, number>;

export interface Series {
  readonly labels: { readonly verdict?: VerdictLabel };
  readonly buckets: { readonly counts: readonly number[]; readonly sum: number };
}

/** Counts by verdict and reason, in the order in which they were first met. */
export class Counts {
  readonly all: Count[] = [];
  readonly #known: Readonly<Record<VerdictLabel, Map<RefusalReason | "", Count>>> = {
    allow: new Map(),
    deny: new Map(),
    none: new Map(),
  };

  add(verdict: VerdictLabel, reason: RefusalReason | ""): void {
    const known = this.#known[verdict].get(reason);
    if (known !== undefined) {
      known.value += 1;
      return;
    }
    const count: Count = { verdict, reason, value: 1 };
    this.#known[verdict].set(reason, count);
    this.all.push(count);
  }
}

/** Of a histogram: how many values are in each bucket, that of the values above all bounds last. */
export class Buckets {
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}

export const durationBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
export const evaluationBounds = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1,
];

const upstreamReasons: ReadonlySet<RefusalReason> = new Set([
  "app_unreachable",
  "app_failed",
  "app_timeout",
]);

/** Of what comes seldom. */
function countNamed(named: Map<string, number>, name: string): void {
  named.set(name, (named.get(name) ?? 0) + 1);
}

interface OwnSeries extends Series {
  readonly buckets: Buckets;
}

export class Tally implements TallyState {
  readonly requests = new Counts();
  readonly opaque = new Counts();
  /** Seconds; by verdict, in the order in which they were first met. */
  readonly durations: OwnSeries[] = [];
  /** Seconds. */
  readonly evaluations: readonly [OwnSeries] = [
    { labels: {}, buckets: new Buckets(evaluationBounds) },
  ];

  readonly upstreamErrors = new Map<string, number>();
  readonly shadow = new Map<string, number>();
  readonly degraded = new Map<string, number>();
  readonly aborted = new Map<string, number>();

  observe(report: ExchangeReport): void {
    const { decision, reason, opaque, durationMs, passage, aborted } = report;
    const verdict = decision?.verdict.kind ?? "none";
    (opaque ? this.opaque : this.requests).add(verdict, reason ?? "");
    // A connection takes as long as its two sides like.
    if (!opaque) this.#durationsOf(verdict).add(durationMs / 1000);
    const { evaluationNs = 0 } = decision ?? {};
    if (evaluationNs > 0) this.evaluations[0].buckets.add(evaluationNs / 1e9);
    if (reason !== null || passage !== null || aborted !== null) this.#observeRare(report);
  }

  #observeRare({ reason, passage, aborted }: ExchangeReport): void {
    if (reason !== null && upstreamReasons.has(reason)) countNamed(this.upstreamErrors, reason);
    if (passage !== null) countNamed(this[passage.kind], passage.reason);
    if (aborted !== null) countNamed(this.aborted, aborted);
  }

  #durationsOf(verdict: VerdictLabel): Buckets {
    for (const { labels, buckets } of this.durations) {
      if (labels.verdict === verdict) return buckets;
    }
    const buckets = new Buckets(durationBounds);
    this.durations.push({ labels: { verdict }, buckets });
    return buckets;
  }
}

/** What several threads have counted, as if it had been one. */
export function sumTallies(tallies: readonly TallyState[]): TallyState {
  const [only, ...others] = tallies;
  if (only !== undefined && others.length === 0) return only;
  const of = (key: "upstreamErrors" | "shadow" | "degraded" | "aborted"): Named =>
    sumNamed(tallies.map((tally) => tally[key]));
  return {
    requests: { all: sumCounts(tallies.flatMap(({ requests }) => requests.all)) },
    opaque: { all: sumCounts(tallies.flatMap(({ opaque }) => opaque.all)) },
    durations: sumSeries(tallies.flatMap(({ durations }) => durations)),
    evaluations: sumSeries(tallies.flatMap(({ evaluations }) => evaluations)),
    upstreamErrors: of("upstreamErrors"),
    shadow: of("shadow"),
    degraded: of("degraded"),
    aborted: of("aborted"),
  };
}

function sumCounts(counts: readonly Count[]): readonly Count[] {
  const sums = new Map<string, Count>();
  for (const { verdict, reason, value } of counts) {
    const key = `${verdict} ${reason}`;
    sums.set(key, { verdict, reason, value: value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}

function sumNamed(all: readonly Named[]): Named {
  const sums = new Map<string, number>();
  for (const named of all) {
    for (const [name, value] of named) sums.set(name, value + (sums.get(name) ?? 0));
  }
  return sums;
}

function sumSeries(all: readonly Series[]): readonly Series[] {
  const sums = new Map<VerdictLabel | undefined, Series>();
  for (const { labels, buckets } of all) {
    const sum = sums.get(labels.verdict)?.buckets;
    sums.set(labels.verdict, {
      labels,
      buckets: {
        counts: buckets.counts.map((value, at) => value + (sum?.counts[at] ?? 0)),
        sum: buckets.sum + (sum?.sum ?? 0),
      },
    });
  }
  return [...sums.values()];
}
