/**
 * What the policy of the main thread asks of the other threads: to decide by the same sets of bundles
 * at the same time, and to say what came of it. Types only.
 */
import type { Prepared } from "../evaluation/prepare.ts";
import type { SlowLane } from "../evaluation/slow-lane.ts";
import type { CacheStats } from "./cache.ts";
import type { Compared } from "./candidate.ts";
import type { LoadedSet } from "./loaded.ts";
import type { RulingCounts } from "./rulings.ts";

/** A set that this thread can decide by. */
export interface SpreadSet {
  readonly set: LoadedSet;
  readonly prepared: Prepared;
  /** There is one for all threads. */
  readonly slowLane: SlowLane;
}

/** Which sets decide from now on. */
export interface Deciders {
  readonly current: LoadedSet | null;
  readonly candidate: { readonly set: LoadedSet; readonly isEnforced: boolean } | null;
}

/** What the other threads have counted. */
export interface SpreadCounts extends RulingCounts {
  readonly revivals: number;
  readonly cache: CacheStats;
}

export interface Spread {
  /** Resolves when each of the threads that carry requests can decide by it. Never rejects. */
  add(added: SpreadSet): Promise<void>;
  /** It decides nothing any more. */
  remove(set: LoadedSet): void;
  /** For all threads at once, from this call on. */
  decideBy(deciders: Deciders): void;
  counts(): SpreadCounts;
  /** Calls back with what other threads have found of the candidate in this set. */
  onCompared(listener: (set: LoadedSet, compared: Compared) => void): void;
}
