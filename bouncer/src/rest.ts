/**
 * What a start, or a busy time, leaves behind is given back when nothing goes on. Node keeps what it
 * once had, and a sidecar is idle most of the time, beside many others.
 */
import { eventLoopUtilization as readUtilization } from "node:perf_hooks";

export const restTiming = {
  lookMs: 5000,
  /** Of the time between two looks. */
  quiet: 0.01,
  busy: 0.1,
} as const;

export interface Rest {
  /** How much of the time since the last look the thread had something to do, 0 to 1. */
  readonly utilization: () => number;
  readonly collect: () => void;
}

/** Collects once when it is quiet after the start, and after each busy time. Returns what stops it. */
export function collectAtRest({ utilization, collect }: Rest = createRest()): () => void {
  let isDue = true;
  const timer = setInterval(() => {
    const used = utilization();
    if (used >= restTiming.busy) isDue = true;
    if (!isDue || used > restTiming.quiet) return;
    isDue = false;
    collect();
    // What the collection took is no busy time.
    utilization();
  }, restTiming.lookMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

function createRest(): Rest {
  let last = readUtilization();
  return {
    utilization: () => {
      const now = readUtilization();
      const { utilization } = readUtilization(now, last);
      last = now;
      return utilization;
    },
    collect: collectNow,
  };
}

/**
 * Of all collections, only that of an emergency shrinks the young generation and gives pages back.
 * Without `--expose-gc`, as outside of the image, there is none.
 */
function collectNow(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
