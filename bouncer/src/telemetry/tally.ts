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

const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const evaluationBounds = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1,
];

export interface Series {
  readonly labels: { readonly verdict?: VerdictLabel };
  readonly buckets: Buckets;
}

export class Tally {
  readonly requests = new Counts();
  readonly opaque = new Counts();
  readonly durationBounds = durationBounds;
  readonly evaluationBounds = evaluationBounds;
  /** Seconds; by verdict, in the order in which they were first met. */
  readonly durations: Series[] = [];
  /** Seconds. */
  readonly evaluations: readonly [Series] = [
    { labels: {}, buckets: new Buckets(evaluationBounds) },
  ];

  observe({ decision, reason, opaque, durationMs }: ExchangeReport): void {
    const verdict = decision?.verdict.kind ?? "none";
    (opaque ? this.opaque : this.requests).add(verdict, reason ?? "");
    // A connection takes as long as its two sides like.
    if (!opaque) this.#durationsOf(verdict).add(durationMs / 1000);
    const { evaluationNs = 0 } = decision ?? {};
    if (evaluationNs > 0) this.evaluations[0].buckets.add(evaluationNs / 1e9);
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
