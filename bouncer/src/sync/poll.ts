/** Polls one URL for bundles: ETag, OPA's long polling where the server offers it, jitter always. */
import { toAppError } from "./access.ts";
import { backoffMs } from "../clock.ts";
import { bundleNameOf } from "../bundle/requirements.ts";
import type { Sync, SyncDeps } from "./source.ts";

export const pollTiming = {
  /** Between two polls, uniformly. */
  minMs: 10_000,
  maxMs: 20_000,
  /** At most between two long polls; a server that answers at once must not be hammered. */
  longPollGapMs: 1000,
  waitSeconds: 60,
  backoff: { baseMs: 1000, capMs: 60_000 },
} as const;

export function createPollSync(deps: SyncDeps, url: URL): Sync {
  const { fetcher, receiver, clock } = deps;
  const stop = new AbortController();
  const name = bundleNameOf(url);
  /** Of the last bundle that was activated; one that could not be is fetched again. */
  let etag: string | null = null;

  async function pull(waitSeconds: number): Promise<boolean> {
    const fetched = await fetcher.fetch(url, { etag, waitSeconds, signal: stop.signal });
    receiver.connected(true);
    if (fetched.kind === "bundle") {
      await receiver.activate(fetched.bytes, name);
      etag = fetched.etag;
    }
    receiver.report(null);
    return fetched.isLongPoll;
  }

  function fail(error: unknown): void {
    if (stop.signal.aborted) return;
    const failure = toAppError(error, "bundle_unreachable");
    if (failure.code === "bundle_unreachable") receiver.connected(false);
    receiver.report(failure);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      let delayMs: number;
      try {
        const isLongPoll = await pull(pollTiming.waitSeconds);
        failures = 0;
        delayMs = isLongPoll
          ? clock.random() * pollTiming.longPollGapMs
          : pollTiming.minMs + clock.random() * (pollTiming.maxMs - pollTiming.minMs);
      } catch (error) {
        fail(error);
        delayMs = backoffMs(pollTiming.backoff, failures, clock);
        failures += 1;
      }
      await clock.wait(delayMs, stop.signal).catch(() => undefined);
    }
  }

  const running = run();
  return {
    kind: "poll",
    refresh: async () => {
      await pull(0).then(() => undefined, fail);
    },
    // Whoever is polled hears of no status.
    changed: () => undefined,
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
