/** Time and chance, passed in so that tests own them. */
import { setTimeout } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Resolves after `ms`; rejects when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wait: async (ms, signal) => {
    await setTimeout(ms, undefined, { signal });
  },
  random: () => Math.random(),
};

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Full jitter: anything up to the bound, so that bouncers that failed together retry apart. */
export function backoffMs(backoff: Backoff, attempt: number, clock: Clock): number {
  return clock.random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30));
}
