/**
 * Keeps the candidate that is compared ready to decide: prepares its set of bundles, again whenever
 * another bundle of the set changes, and lets it go when it is withdrawn. One at a time.
 */
import type { Snapshot } from "../bundle/bundle.ts";
import { AppError } from "../errors.ts";
import type { Candidate } from "../sync/source.ts";
import { Trial } from "./candidate.ts";
import type { LoadedSet } from "./loaded.ts";

/** A candidate that can decide. */
export interface Running {
  readonly trial: Trial;
  readonly set: LoadedSet;
}

export interface Trials {
  running(): Running | null;
  /** Begins, goes on under other terms, or with null ends. Throws AppError when it cannot be used. */
  offer(name: string, candidate: Candidate | null): Promise<void>;
  /** The enforced set has changed. Never rejects. */
  rebase(): Promise<void>;
  close(): void;
}

export interface TrialsDeps {
  /** Of the enforced set; null while there is none. */
  readonly snapshots: () => readonly Snapshot[] | null;
  readonly load: (snapshots: readonly Snapshot[]) => Promise<LoadedSet>;
  readonly onFailure: (error: unknown) => void;
}

interface Offered {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly trial: Trial;
}

export function createTrials({ snapshots, load, onFailure }: TrialsDeps): Trials {
  let offered: Offered | null = null;
  let running: Running | null = null;

  function withdraw(): void {
    running?.set.close();
    offered = null;
    running = null;
  }

  /** Until it is ready, the one from before goes on. */
  async function prepare({ name, bytes, trial }: Offered): Promise<void> {
    const current = snapshots();
    // It begins as soon as there is something to compare with.
    if (current === null) return;
    const own: Snapshot = { name, bytes, deltas: [] };
    const set = await load(current.map((one) => (one.name === name ? own : one)));
    if (offered?.trial !== trial) {
      set.close();
      return;
    }
    running?.set.close();
    running = { trial, set };
  }

  async function begin(name: string, candidate: Candidate): Promise<void> {
    const { terms } = candidate;
    const next = { name, bytes: await candidate.load(), trial: new Trial(name, terms) };
    if (offered?.name === name) withdraw();
    offered = next;
    try {
      await prepare(next);
    } catch (error) {
      if (offered === next) withdraw();
      throw error;
    }
  }

  return {
    running: () => running,
    async offer(name, candidate) {
      if (candidate === null) {
        if (offered?.name === name) withdraw();
      } else if (offered !== null && offered.name !== name) {
        throw new AppError(
          "bundle_invalid",
          `Cannot compare a candidate for "${name}": there is one for "${offered.name}", accepted is one at a time`,
        );
      } else if (offered?.trial.terms.sha256 === candidate.terms.sha256) {
        offered.trial.setTerms(candidate.terms);
      } else {
        await begin(name, candidate);
      }
    },
    async rebase() {
      try {
        if (offered !== null) await prepare(offered);
      } catch (error) {
        withdraw();
        onFailure(error);
      }
    },
    close: withdraw,
  };
}
