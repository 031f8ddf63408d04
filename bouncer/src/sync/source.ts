/** What every way of bringing new policy is given and gives. Types only. */
import type { CandidateTerms } from "bouncer-bridge/protocol";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { AppError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { BundleIdentity } from "../policy/decision.ts";
import type { Fetcher } from "./fetch.ts";

/** A bundle to decide with beside the enforced one, or in its place while this one is watched. */
export interface Candidate {
  readonly terms: CandidateTerms;
  /** Its bytes, with the hash checked. Throws AppError; not to be called for what is known already. */
  load(): Promise<Uint8Array>;
}

/** What became of a candidate so far; counts begin at 0 with each new SHA-256. */
export interface CandidateCounts {
  readonly revision: string;
  readonly sha256: string;
  readonly enforced: boolean;
  /** Decided by both, differently, and refused by the candidate. */
  readonly decisions: number;
  readonly differing: number;
  readonly wouldRefuse: number;
  /** Why it was given up, for people; else null. */
  readonly stopped: string | null;
}

/** Totals since the start of the process. */
export interface Counts {
  readonly decisions: number;
  readonly refused: number;
  /** By the name of the bundle that there is a candidate for. */
  readonly candidates: ReadonlyMap<string, CandidateCounts>;
}

/** The policy, as seen by what brings bundles to it. */
export interface Receiver {
  /** What is enforced of the bundle of this name. */
  active(name: string): BundleIdentity | null;
  /** Throws AppError when the bundle cannot be enforced; then the last one goes on. */
  activate(bytes: Uint8Array, name: string): Promise<BundleIdentity>;
  /** Begins, goes on under other terms, or with null ends. Throws AppError when it cannot be used. */
  candidate(name: string, candidate: Candidate | null): Promise<void>;
  counts(): Counts;
  /** The outcome of every attempt, for people; null is a success. */
  report(error: AppError | null): void;
  connected(isConnected: boolean): void;
}

export interface Sync {
  readonly kind: "none" | "bridge" | "poll";
  /** Fetches and activates now; failures are reported, never thrown. */
  refresh(): Promise<void>;
  /** Something of `counts()` that should not wait for the next status: a candidate was given up. */
  changed(): void;
  close(): Promise<void>;
}

export interface SyncDeps {
  readonly config: Config;
  readonly fetcher: Fetcher;
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
}
