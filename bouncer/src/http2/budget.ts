/**
 * What a peer may do that is legal and leads to nothing, before it is taken for an attack: streams
 * that are begun and reset (CVE-2023-44487), by whichever side (CVE-2025-8671), and frames that
 * only cost work (CVE-2019-9511 to 9518). Real work earns it back, and so does time. Pure.
 */
export interface BudgetSize {
  readonly burst: number;
  readonly perSecond: number;
}

export class Budget {
  readonly #size: BudgetSize;
  #left: number;
  #checkedAt = 0;

  constructor(size: BudgetSize) {
    this.#size = size;
    this.#left = size.burst;
  }

  /** False: it is used up. */
  spend(cost: number): boolean {
    this.#left -= cost;
    return this.#left >= 0;
  }

  earn(gain: number): void {
    const left = this.#left + gain;
    this.#left = left > this.#size.burst ? this.#size.burst : left;
  }

  /** Called about once a second. */
  check(now: number): void {
    if (this.#checkedAt > 0) this.earn(((now - this.#checkedAt) / 1000) * this.#size.perSecond);
    this.#checkedAt = now;
  }
}

/** Streams reset before they were over: clients that give up on many calls at once are not attackers. */
export const resetBudget: BudgetSize = { burst: 1000, perSecond: 100 };

/** Frames that carry nothing: PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE, unknown ones. */
export const idleFrameBudget: BudgetSize = { burst: 10_000, perSecond: 1000 };

export const costs = {
  ping: 1,
  /** Each may change every stream, and is answered. */
  settings: 50,
  ignored: 1,
  emptyData: 1,
  windowUpdate: 1,
  /** DATA that we had to cut into very small pieces because the peer takes no more. */
  tinyData: 10,
  /** Frames for streams that are over. */
  late: 1,
} as const;

/** What a message or a piece of a body that has bytes earns. */
export const gains = { message: 4, data: 2 } as const;
