/**
 * Whether remembering decisions pays: what hits have saved against what looking up has cost, over so
 * many decisions at a time. Where it does not, nothing is looked up for a while, then for a few
 * decisions, and in earnest again when these promise something. It counts decisions and not time,
 * so that the same requests lead to the same. Pure.
 */

/** In decisions. */
export const spans = {
  /** Judged by hits alone. */
  trial: 4096,
  /** Judged also by what came twice, which is kept only from then on. */
  probe: 512,
  shortestRest: 4096,
  longestRest: 65_536,
} as const;

/** Hash, look-up and what there is to keep, of a document of usual size. */
export const lookupMs = 0.000_5;

export class Profit {
  #phase: "trial" | "probe" | "rest" = "trial";
  #left: number = spans.trial;
  #rest: number = spans.shortestRest;
  #lookups = 0;
  #hits = 0;
  #repeats = 0;
  /** Of one evaluation, lately; 0 while there was none. */
  #costMs = 0;

  /** Asked once for each decision. */
  isLookedUp(): boolean {
    if (this.#left === 0) this.#judge();
    this.#left -= 1;
    if (this.#phase === "rest") return false;
    this.#lookups += 1;
    return true;
  }

  isResting(): boolean {
    return this.#phase === "rest";
  }

  hit(): void {
    this.#hits += 1;
  }

  /** It has come before, whether or not it was kept. */
  repeat(): void {
    this.#repeats += 1;
  }

  miss(costMs: number): void {
    if (this.#costMs === 0) {
      this.#costMs = costMs;
      return;
    }
    // One that was interrupted says little about the others.
    const seen = Math.min(costMs, 16 * this.#costMs);
    this.#costMs += (seen - this.#costMs) / 16;
  }

  #judge(): void {
    const { probe, trial, shortestRest, longestRest } = spans;
    const saved = (this.#phase === "trial" ? this.#hits : this.#repeats) * this.#costMs;
    const isWorth = saved >= this.#lookups * lookupMs;
    if (this.#phase === "rest") {
      this.#begin("probe", probe);
    } else if (isWorth) {
      if (this.#phase === "trial") this.#rest = shortestRest;
      this.#begin("trial", trial);
    } else {
      this.#begin("rest", this.#rest);
      this.#rest = Math.min(this.#rest * 2, longestRest);
    }
  }

  #begin(phase: "trial" | "probe" | "rest", decisions: number): void {
    this.#phase = phase;
    this.#left = decisions;
    this.#lookups = 0;
    this.#hits = 0;
    this.#repeats = 0;
  }
}
