/**
 * Shows buckets that are not filled by way of prom-client: what that does for each observation would
 * cost more than all other accounts that are kept of a request.
 */
import { Histogram, type HistogramConfiguration } from "prom-client";
import type { Series } from "./tally.ts";

export class CountedHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series: () => readonly Series[];

  constructor(
    configuration: HistogramConfiguration<string> & { readonly buckets: readonly number[] },
    series: () => readonly Series[],
  ) {
    super(configuration);
    this.#name = configuration.name;
    this.#help = configuration.help;
    this.#bounds = configuration.buckets;
    this.#series = series;
  }

  /** What prom-client reads a histogram by, for a text and, within `get`, for anything else. */
  async getForPromString(): Promise<object> {
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      type: "histogram",
      aggregator: "sum",
      values: this.#series().flatMap((one) => this.#valuesOf(one)),
    });
  }

  #valuesOf({ labels, buckets }: Series): readonly object[] {
    const value = (suffix: string, number: number, le: object = {}): object => ({
      metricName: `${this.#name}_${suffix}`,
      labels: le,
      sharedLabels: labels,
      value: number,
    });
    let count = 0;
    const shown = buckets.counts.map((inBucket, at) => {
      count += inBucket;
      return value("bucket", count, { le: this.#bounds[at] ?? "+Inf" });
    });
    return [...shown, value("sum", buckets.sum), value("count", count)];
  }
}
