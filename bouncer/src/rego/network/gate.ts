/** Lets only so many do something at a time; the others wait in the order in which they came. */

export interface Gate {
  /** Rejects with the signal's reason when it fires first; what runs then is not waited for. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createGate(limit: number): Gate {
  const waiting = new Set<() => void>();
  let running = 0;
  const enter = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (running < limit) {
      running += 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    const abort = (): void => {
      waiting.delete(turn.resolve);
      turn.reject(toError(signal.reason));
    };
    waiting.add(turn.resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
  // Whoever leaves hands its place to the next one.
  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  return {
    async run(work, signal) {
      await enter(signal);
      // It keeps its place for as long as it runs, even when nobody waits for it any more.
      const result = work().finally(leave);
      return await orAbort(result, signal);
    },
  };
}

async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(toError(signal.reason));
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
