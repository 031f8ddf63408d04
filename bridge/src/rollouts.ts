/**
 * The rollouts of this replica: what `rollout.json` says, which of them its bouncers have stopped,
 * and what each bouncer is therefore told. Replicas share nothing; each learns from its own.
 */
import type { Bundle } from "./bundle.ts";
import { BridgeError, type ErrorCode, messageOf } from "./errors.ts";
import { bundlesPath, type CandidateTerms, type Status } from "./protocol.ts";
import { isCovered, parseRollout, type RolloutTerms } from "./rollout.ts";

export interface RolloutProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Stop {
  /** The bouncer that reported it first. */
  readonly bouncer: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface RolloutState extends RolloutTerms {
  readonly bundle: string;
  /** Of the candidate; null when its file is not there. */
  readonly revision: string | null;
  readonly sha256: string | null;
  /** It is enforced nowhere until its content or its terms change. */
  readonly stopped: Stop | null;
}

export interface RolloutsOptions {
  readonly get: (name: string) => Bundle | null;
  readonly now: () => number;
  readonly onProblem: (problem: RolloutProblem) => void;
  readonly onStop: (state: RolloutState) => void;
}

export interface Rollouts {
  /** The file's text, or why it cannot be had (then the last good one stays), or that it is gone. */
  offer(file: { readonly text: string } | { readonly problem: RolloutProblem } | null): void;
  termsFor(bouncer: string, bundle: string): CandidateTerms | null;
  /** Sees what a bouncer says of candidates. */
  hear(bouncer: string, status: Status): void;
  list(): readonly RolloutState[];
  /** Why the file as it is now is not what is in force. */
  problem(): RolloutProblem | null;
  /** Called whenever what is told to bouncers may have changed; returns the undo. */
  subscribe(listener: () => void): () => void;
}

export function createRollouts(options: RolloutsOptions): Rollouts {
  let rollouts: ReadonlyMap<string, RolloutTerms> = new Map();
  let problem: RolloutProblem | null = null;
  /** By bundle; `key` names the terms and the content that were stopped. */
  const stops = new Map<string, Stop & { readonly key: string }>();
  const listeners = new Set<() => void>();

  function fail(found: RolloutProblem): void {
    if (found.message !== problem?.message) options.onProblem(found);
    problem = found;
  }

  function describe(bundle: string, terms: RolloutTerms): RolloutState {
    const candidate = options.get(terms.candidate);
    const { revision = null, sha256 = null } = candidate ?? {};
    const stop = stops.get(bundle);
    const isStopped = stop !== undefined && stop.key === keyOf(terms, sha256);
    const { bouncer, reason, at } = stop ?? { bouncer: "", reason: "", at: 0 };
    return {
      bundle,
      ...terms,
      revision,
      sha256,
      stopped: isStopped ? { bouncer, reason, at } : null,
    };
  }

  function hearOne(bouncer: string, bundle: string, sha256: string, reason: string): boolean {
    const terms = rollouts.get(bundle);
    if (terms === undefined) return false;
    const state = describe(bundle, terms);
    if (state.sha256 !== sha256 || state.stopped !== null) return false;
    stops.set(bundle, { key: keyOf(terms, sha256), bouncer, reason, at: options.now() });
    options.onStop(describe(bundle, terms));
    return true;
  }

  function changed(): void {
    for (const listener of listeners) listener();
  }

  return {
    offer(file) {
      if (file !== null && "problem" in file) return fail(file.problem);
      try {
        rollouts = file === null ? new Map() : parseRollout(file.text);
      } catch (error) {
        const code = error instanceof BridgeError ? error.code : "rollout_invalid";
        return fail({ code, message: messageOf(error) });
      }
      problem = null;
      for (const bundle of stops.keys()) if (!rollouts.has(bundle)) stops.delete(bundle);
      changed();
    },
    termsFor(bouncer, bundle) {
      const terms = rollouts.get(bundle);
      if (terms === undefined) return null;
      const { candidate, percent, maxRefusalRateChange, minDecisions } = terms;
      const { revision, sha256, stopped } = describe(bundle, terms);
      // What has become the bundle itself is no candidate any more.
      if (revision === null || sha256 === null || sha256 === options.get(bundle)?.sha256)
        return null;
      const enforce = stopped === null && isCovered(bouncer, bundle, percent);
      const url = `${bundlesPath}${candidate}`;
      return { revision, url, sha256, enforce, maxRefusalRateChange, minDecisions };
    },
    hear(bouncer, { bundles }) {
      const stopped = bundles.filter(({ bundle, candidate }) => {
        if (candidate === null || candidate.stopped === null) return false;
        return hearOne(bouncer, bundle, candidate.sha256, candidate.stopped);
      });
      if (stopped.length > 0) changed();
    },
    list: () => [...rollouts].map(([bundle, terms]) => describe(bundle, terms)),
    problem: () => problem,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function keyOf(terms: RolloutTerms, sha256: string | null): string {
  return JSON.stringify([
    terms.candidate,
    terms.percent,
    terms.maxRefusalRateChange,
    terms.minDecisions,
    sha256,
  ]);
}
