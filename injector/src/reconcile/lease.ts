/**
 * Who leads, by a Lease (coordination.k8s.io/v1), in the way of client-go: whoever holds it renews
 * it; another may take it when it has not changed for its whole duration, measured on one's own
 * clock since one saw it change, so that clocks need not agree. Pure.
 */
export interface LeaseRecord {
  /** Empty: nobody's. */
  readonly holder: string;
  readonly durationMs: number;
  /** Times of the holder's clock, for people. */
  readonly acquiredAt: string;
  readonly renewedAt: string;
  readonly transitions: number;
}

export interface StoredLease {
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
}

/** A lease, and when it was first seen like this, on a clock that only goes forward. */
export interface Observed {
  readonly lease: StoredLease;
  readonly since: number;
}

export function observe(before: Observed | null, lease: StoredLease, monotonic: number): Observed {
  const isSame = before?.lease.resourceVersion === lease.resourceVersion;
  return isSame ? before : { lease, since: monotonic };
}

export interface Candidate {
  readonly identity: string;
  readonly durationMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly monotonic: number;
}

/** What to write to hold the Lease; null: it is another's. `observed` is null when there is none. */
export function planLease(observed: Observed | null, candidate: Candidate): LeaseRecord | null {
  const { identity, durationMs, now, monotonic } = candidate;
  const renewedAt = new Date(now).toISOString();
  const own = { holder: identity, durationMs, renewedAt };
  if (observed === null) return { ...own, acquiredAt: renewedAt, transitions: 0 };
  const { record } = observed.lease;
  if (record.holder === identity) return { ...record, ...own };
  const isFree = record.holder === "" || monotonic - observed.since >= record.durationMs;
  return isFree ? { ...own, acquiredAt: renewedAt, transitions: record.transitions + 1 } : null;
}
