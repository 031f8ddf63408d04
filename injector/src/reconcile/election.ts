/**
 * Keeps asking for the Lease, and renews it while it is held. Leadership ends by itself, on one's
 * own clock, before another replica may take the Lease: also when the API server does not answer.
 */
import { toInjectorError } from "../errors.ts";
import { createLoop } from "../loop.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import { observe, planLease } from "./lease.ts";
import type { LeaseRecord, Observed, StoredLease } from "./lease.ts";

export interface LeaseStore {
  /** Null when there is none yet. */
  read(): Promise<StoredLease | null>;
  /** `resourceVersion` null: creates it. Null: another was first. */
  write(record: LeaseRecord, resourceVersion: string | null): Promise<StoredLease | null>;
}

export interface ElectionDeps {
  readonly store: LeaseStore;
  /** Of this replica, and of this run of it. */
  readonly identity: string;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly timer: Timer;
  readonly onElected: () => void;
  readonly log: Log;
}

export interface Election {
  isLeader(): boolean;
  /** Gives the Lease back, so that the next leader need not wait for its end. */
  close(): Promise<void>;
}

const renewMs = 5000;
const durationMs = 30_000;
/** Leadership without a renewal; the rest of the duration is for requests under way. */
const deadlineMs = 15_000;
const retryMs = 1000;

export function createElection(deps: ElectionDeps): Election {
  const { store, identity, monotonic, timer, log } = deps;
  let observed: Observed | null = null;
  /** When the last renewal that went well was sent; null: the Lease is not held. */
  let renewedAt: number | null = null;

  const isLeader = (): boolean => renewedAt !== null && monotonic() - renewedAt < deadlineMs;

  const lose = (): void => {
    if (renewedAt !== null) log.info({ identity }, "leadership lost");
    renewedAt = null;
  };

  const attempt = async (): Promise<void> => {
    // Longer than the deadline without a renewal: what was led is led no more, even if nobody
    // else took over.
    if (!isLeader()) lose();
    const lease = await store.read();
    const sentAt = monotonic();
    observed = lease === null ? null : observe(observed, lease, sentAt);
    const record = planLease(observed, {
      identity,
      durationMs,
      now: deps.now(),
      monotonic: sentAt,
    });
    if (record === null) return lose();
    const written = await store.write(record, lease?.resourceVersion ?? null);
    if (written === null) return lose();
    observed = observe(observed, written, monotonic());
    const isElected = renewedAt === null;
    renewedAt = sentAt;
    if (!isElected) return;
    log.info({ identity, transitions: record.transitions }, "leadership taken");
    deps.onElected();
  };

  const release = async (): Promise<void> => {
    if (renewedAt === null || observed === null) return;
    const { resourceVersion, record } = observed.lease;
    lose();
    await store.write({ ...record, holder: "" }, resourceVersion).catch((error: unknown) => {
      log.warn({ detail: toInjectorError(error).message }, "lease not released");
    });
  };

  const loop = createLoop({
    task: attempt,
    onError: (error) => {
      const { code, message } = toInjectorError(error);
      log.warn({ code, detail: message }, "lease not renewed");
    },
    intervalMs: renewMs,
    retryMs,
    timer,
  });
  return {
    isLeader,
    close: async () => {
      await loop.close();
      await release();
    },
  };
}
