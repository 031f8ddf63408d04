/**
 * What one evaluation may compute. The clock of the thread is a call into the system, dearer than a
 * short evaluation is long in parts, so it is read from the first question on whether there is time
 * left: that comes with the first built-in or after so many steps (`meterSteps`), some tens of
 * microseconds late at most. As long as not even the wall clock says so, nothing is late.
 */
import { threadCpuMs } from "./cpu.ts";
import type { Evaluating } from "./host.ts";
import type { OpenQuery } from "./query.ts";

/** Milliseconds; only differences are used. */
export interface Clocks {
  readonly wallMs: () => number;
  readonly cpuMs: () => number;
}

const own: Clocks = { wallMs: () => performance.now(), cpuMs: threadCpuMs };

export class Allowance implements Evaluating {
  readonly query: OpenQuery;
  readonly #budgetMs: number;
  readonly #clocks: Clocks;
  /** On the wall clock and on that of the thread; null: not asked yet. */
  #started: { readonly wallMs: number; readonly cpuMs: number } | null = null;

  /** From now on, the query's built-ins are told by this one whether it is late. */
  constructor(query: OpenQuery, budgetMs: number, clocks: Clocks = own) {
    this.query = query;
    this.#budgetMs = budgetMs;
    this.#clocks = clocks;
    query.isLate = (comingMs) => this.#isLate(comingMs);
  }

  get deadline(): number {
    return this.#start().cpuMs + this.#budgetMs;
  }

  #start(): { readonly wallMs: number; readonly cpuMs: number } {
    this.#started ??= { wallMs: this.#clocks.wallMs(), cpuMs: this.#clocks.cpuMs() };
    return this.#started;
  }

  #isLate(comingMs: number): boolean {
    const { wallMs, cpuMs } = this.#start();
    if (this.#clocks.wallMs() - wallMs + comingMs < this.#budgetMs) return false;
    return this.#clocks.cpuMs() - cpuMs + comingMs >= this.#budgetMs;
  }
}
