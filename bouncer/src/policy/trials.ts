/**
 * Keeps the candidate that is compared ready to decide: prepares its set of bundles, again whenever
 * another bundle of the set changes, and lets it go when it is withdrawn. One at a time.
 */
import type { Snapshot } from "../bundle/bundle.ts";
import { AppError } from "../errors.ts";
import type { Candidate } from "../sync/source.ts";
import { Trial } from "./candidate.ts";
import type { BundleIdentity } from "./decision.ts";
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
  /** Throws AppError for a bundle that may not take the place of the one of its name. */
  readonly accept: (identity: BundleIdentity) => void;
  readonly onFailure: (error: unknown) => void;
  /** Another candidate is compared, or none, or the same one under other terms. */
  readonly onChange: () => void;
}

interface Offered {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly trial: Trial;
}

export function createTrials(deps: TrialsDeps): Trials {
  const { snapshots, load, accept, onFailure, onChange } = deps;
  let offered: Offered | null = null;
  let running: Running | null = null;
  /** A candidate whose bytes are still fetched. */
  let coming: { readonly name: string } | null = null;
  /** One set is prepared at a time, each with what is enforced by then: none replaces a newer one. */
  let queue: Promise<void> = Promise.resolve();
  let asked = 0;

  function withdraw(): void {
    const last = running;
    offered = null;
    running = null;
    if (last === null) return;
    onChange();
    last.set.close();
  }

  /** Until it is ready, the one from before goes on. */
  async function prepareNow(next: Offered): Promise<void> {
    const { name, bytes, trial } = next;
    const current = snapshots();
    // It begins as soon as there is something to compare with.
    if (current === null) return;
    const own: Snapshot = { name, bytes, deltas: [] };
    const set = await load(current.map((one) => (one.name === name ? own : one)));
    if (offered !== next) {
      set.close();
      return;
    }
    try {
      for (const identity of set.identities) if (identity.name === name) accept(identity);
    } catch (error) {
      set.close();
      throw error;
    }
    const last = running;
    running = { trial, set };
    onChange();
    last?.set.close();
  }

  async function prepare(chosen: Offered): Promise<void> {
    asked += 1;
    const own = asked;
    // Of several that wait, the last one does for all.
    const work = async (): Promise<void> => {
      if (own === asked && offered === chosen) await prepareNow(chosen);
    };
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    await turn;
  }

  async function begin(name: string, candidate: Candidate): Promise<void> {
    const own = { name };
    coming = own;
    let bytes: Uint8Array;
    try {
      bytes = await candidate.load();
      // Withdrawn meanwhile, or replaced.
      if (coming !== own) return;
    } finally {
      if (coming === own) coming = null;
    }
    if (offered?.name === name) withdraw();
    const next = { name, bytes, trial: new Trial(name, candidate.terms) };
    offered = next;
    await attempt(next);
  }

  async function attempt(next: Offered): Promise<void> {
    try {
      await prepare(next);
    } catch (error) {
      if (offered === next) withdraw();
      throw error;
    }
  }

  function end(name: string): void {
    if (coming?.name === name) coming = null;
    if (offered?.name === name) withdraw();
  }

  return {
    running: () => running,
    async offer(name, candidate) {
      const present = coming ?? offered;
      if (candidate === null) {
        end(name);
      } else if (present !== null && present.name !== name) {
        throw new AppError(
          "bundle_invalid",
          `Cannot compare a candidate for "${name}": there is one for "${present.name}", accepted is one at a time`,
        );
      } else if (coming === null && offered?.trial.terms.sha256 === candidate.terms.sha256) {
        offered.trial.setTerms(candidate.terms);
        onChange();
      } else {
        await begin(name, candidate);
      }
    },
    async rebase() {
      try {
        if (offered !== null) await attempt(offered);
      } catch (error) {
        onFailure(error);
      }
    },
    close() {
      coming = null;
      withdraw();
    },
  };
}
