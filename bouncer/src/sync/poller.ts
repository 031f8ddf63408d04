/** Polls one URL for one bundle: ETag, deltas, OPA's long polling where the server offers it. */
import { isDelta } from "../bundle/archive.ts";
import { backoffMs } from "../clock.ts";
import type { Config } from "../config.ts";
import type { AppError } from "../errors.ts";
import { toAppError } from "./failure.ts";
import type { Fetched } from "./fetch.ts";
import type { SyncDeps } from "./source.ts";

export const pollTiming = {
  /** At most between two long polls that were answered at once: no server is to be hammered. */
  longPollGapMs: 1000,
  backoff: { baseMs: 1000, capMs: 60_000 },
} as const;

export interface PollerOptions {
  readonly name: string;
  readonly url: URL;
  readonly signal: AbortSignal;
  /** After every attempt; null is a success. */
  readonly onOutcome: (error: AppError | null) => void;
  readonly onConnected: (isConnected: boolean) => void;
}

export interface Poller {
  /** Until the signal is aborted. */
  run(): Promise<void>;
  /** Now, without waiting for the server; never throws. */
  refresh(): Promise<void>;
}

export function createPoller(deps: SyncDeps, options: PollerOptions): Poller {
  const { config, fetcher, receiver, clock } = deps;
  const { name, url, signal } = options;
  /** Of what was activated last; what could not be is fetched again. */
  let etag: string | null = null;
  /** A delta failed, or there were enough of them: the whole bundle is wanted. */
  let wantsSnapshot = false;
  /** Answers that were taken, whatever became of them. */
  let taken = 0;
  let taking: Promise<void> = Promise.resolve();
  /** The server holds requests until there is something new, as far as we know. */
  let isLongPoll = true;

  async function pull(waitSeconds: number): Promise<void> {
    const acceptsDelta = !wantsSnapshot && takesDeltas(config);
    const known = wantsSnapshot ? null : etag;
    const asked = taken;
    const fetched = await fetcher.fetch(url, { etag: known, waitSeconds, acceptsDelta, signal });
    options.onConnected(true);
    isLongPoll = fetched.isLongPoll ?? isLongPoll;
    if (taken !== asked) {
      // Another poll took something: this answer, a delta perhaps, does not go on from there.
      await taking.catch(() => undefined);
      return;
    }
    if (fetched.kind === "bundle") {
      taking = take(fetched);
      await taking;
    } else if (known !== null) etag = fetched.etag ?? etag;
    options.onOutcome(null);
  }

  async function take(fetched: Extract<Fetched, { kind: "bundle" }>): Promise<void> {
    taken += 1;
    try {
      const { deltas } = await receiver.activate(fetched.bytes, name);
      etag = fetched.etag;
      wantsSnapshot = deltas > 0 && deltas >= config.policyMaxDeltas;
    } catch (error) {
      // A delta to something else than is here: the next one would be, too.
      if (await isDelta(fetched.bytes).catch(() => false)) wantsSnapshot = true;
      throw error;
    }
  }

  function fail(error: unknown): void {
    if (signal.aborted) return;
    const failure = toAppError(error, "bundle_unreachable");
    const isAway = failure.code === "bundle_unreachable" || failure.code === "sync_unreachable";
    if (isAway) options.onConnected(false);
    options.onOutcome(failure);
  }

  function chooseDelay(startedAt: number): number {
    const { policyPollMinSeconds: least, policyPollMaxSeconds: most } = config;
    if (!isLongPoll || config.policyPollWaitSeconds === 0) {
      return (least + clock.random() * (most - least)) * 1000;
    }
    const wasHeld = clock.now() - startedAt >= pollTiming.longPollGapMs;
    return wasHeld ? 0 : clock.random() * pollTiming.longPollGapMs;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      let delayMs: number;
      try {
        await pull(isLongPoll ? config.policyPollWaitSeconds : 0);
        failures = 0;
        delayMs = chooseDelay(startedAt);
      } catch (error) {
        fail(error);
        delayMs = backoffMs(pollTiming.backoff, failures, clock);
        failures += 1;
      }
      await clock.wait(delayMs, signal).catch(() => undefined);
    }
  }

  return { run, refresh: () => pull(0).catch(fail) };
}

/** What would be refused is not asked for. */
function takesDeltas(config: Config): boolean {
  const { policyVerificationKey, policyVerificationKeys, policyVerificationKeysFile } = config;
  const keys = [policyVerificationKey, policyVerificationKeys, policyVerificationKeysFile];
  const isUnsigned = keys.every((key) => key === null);
  return config.policyMaxDeltas > 0 && (isUnsigned || config.policyAllowUnsignedDeltas);
}
