/** Waits for what a cluster does in its own time. */
import { setTimeout as delay } from "node:timers/promises";

export interface EventuallyOptions {
  /** Gives up after that long with the last failure; 60 s unless told. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/** Calls `attempt` until it does not throw; its last error says what was still wrong. */
export async function eventually<T>(
  attempt: () => Promise<T>,
  { timeoutMs = 60_000, intervalMs = 300 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(intervalMs);
  }
}
