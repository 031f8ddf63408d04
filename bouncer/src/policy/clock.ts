/** Time and chance, passed in so that tests own them. */
import { setTimeout } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** At least 0, less than 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wait: async (ms, signal) => {
    // Not a reason for a process to stay: nobody waits for a retry at exit.
    await setTimeout(ms, undefined, { signal, ref: false });
  },
  random: () => Math.random(),
};

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Full jitter: anything up to the bound, so that bouncers that failed together retry apart. */
export function backoffMs(backoff: Backoff, attempt: number, random: () => number): number {
  return random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30));
}
