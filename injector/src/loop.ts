/**
 * Runs one task again and again: at an interval, sooner after a failure (with backoff), and at once
 * when asked. Never two at a time. The timer is passed in.
 */
export interface Timer {
  /** Calls back once after `ms`; the result cancels that. */
  after(ms: number, callback: () => void): () => void;
}

export const systemTimer: Timer = {
  after(ms, callback) {
    const handle = setTimeout(callback, ms);
    return () => clearTimeout(handle);
  },
};

/** What `work` resolves to, or null when that takes longer than `ms`. */
export function waitAtMost<T>(work: Promise<T>, ms: number, timer: Timer): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const cancel = timer.after(ms, () => resolve(null));
  return Promise.race([work, promise]).finally(cancel);
}

export interface LoopOptions {
  /** Rejects when it failed; then it is tried again sooner. */
  readonly task: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly intervalMs: number;
  /** After the first failure; doubled with each further one, up to `intervalMs`. */
  readonly retryMs: number;
  readonly timer: Timer;
}

export interface Loop {
  /** Runs the task now, or once more after the run that is under way. */
  trigger(): void;
  /** Resolves when nothing runs any more. */
  close(): Promise<void>;
}

export function createLoop(options: LoopOptions): Loop {
  let running: Promise<void> | null = null;
  let cancel: (() => void) | null = null;
  let again = false;
  let closed = false;
  let failures = 0;

  const attempt = async (): Promise<void> => {
    try {
      await options.task();
      failures = 0;
    } catch (error) {
      failures += 1;
      options.onError(error);
    }
  };

  const run = async (): Promise<void> => {
    do {
      again = false;
      await attempt();
    } while (again);
    running = null;
    if (!closed) cancel = options.timer.after(pause(failures, options), trigger);
  };

  const trigger = (): void => {
    if (closed) return;
    again = true;
    if (running !== null) return;
    cancel?.();
    running = run();
  };

  trigger();
  return {
    trigger,
    close: async () => {
      closed = true;
      again = false;
      cancel?.();
      await running;
    },
  };
}

function pause(failures: number, options: LoopOptions): number {
  if (failures === 0) return options.intervalMs;
  return Math.min(options.retryMs * 2 ** Math.min(failures - 1, 20), options.intervalMs);
}
