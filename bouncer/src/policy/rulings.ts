/**
 * The ruling on each request: by the enforced set of bundles, compared with the other one while
 * there is a candidate, and counted.
 */
import { type Comparing, describeWatched } from "./candidate.ts";
import type { BuildInput, Decider } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { LoadedSet } from "./loaded.ts";

export function addCounts(one: RulingCounts, other: RulingCounts): RulingCounts {
  return {
    decisions: one.decisions + other.decisions,
    refused: one.refused + other.refused,
    timeouts: one.timeouts + other.timeouts,
  };
}

export interface Rulings {
  /** Never throws or rejects. */
  decide(build: BuildInput): Decision | Promise<Decision>;
  /** Since the start of the process. */
  counts(): RulingCounts;
}

export interface RulingCounts {
  readonly decisions: number;
  readonly refused: number;
  /** Of the refused, those that there was no time for. */
  readonly timeouts: number;
}

/** A candidate that can decide. */
export interface Watched {
  readonly trial: Comparing;
  readonly set: LoadedSet;
}

export interface RulingsDeps<C extends Watched> {
  readonly decider: Decider;
  readonly current: () => LoadedSet | null;
  readonly running: () => C | null;
  /** The candidate refuses or admits too much more than the current set: it is enforced no more. */
  readonly onGivenUp: (candidate: C) => void;
}

/** Comparisons that wait for one side. Nobody waits for them, so nothing else holds them down. */
const maxComparing = 256;

export function createRulings<C extends Watched>(deps: RulingsDeps<C>): Rulings {
  const { decider, current, running, onGivenUp } = deps;
  const counts = { decisions: 0, refused: 0, timeouts: 0 };
  /** Comparisons of which one side is still awaited. */
  let comparing = 0;

  function count(decision: Decision): Decision {
    const { verdict } = decision;
    counts.decisions += 1;
    if (verdict.kind === "deny") {
      counts.refused += 1;
      if (verdict.reason === "policy_timeout") counts.timeouts += 1;
    }
    return decision;
  }

  function decideBy(set: LoadedSet | null, build: BuildInput): Decision | Promise<Decision> {
    const decision = decider.decide(set, build);
    return decision instanceof Promise ? decision.then(count) : count(decision);
  }

  function compare(other: C, before: Decision, after: Decision): void {
    if (other.trial.count({ current: before, candidate: after })) onGivenUp(other);
  }

  /** The client waits only for the one that is enforced. */
  function decideByBoth(set: LoadedSet, other: C, build: BuildInput): Decision | Promise<Decision> {
    const isCandidate = other.trial.isEnforced;
    if (comparing >= maxComparing) return decideBy(isCandidate ? other.set : set, build);
    const before = decider.decide(set, build);
    const after = decider.decide(other.set, build);
    if (before instanceof Promise || after instanceof Promise) {
      comparing += 1;
      void Promise.all([before, after])
        .then(([one, two]) => compare(other, one, two))
        .finally(() => {
          comparing -= 1;
        });
      const enforced = isCandidate ? after : before;
      return enforced instanceof Promise ? enforced.then(count) : count(enforced);
    }
    compare(other, before, after);
    const [enforced, watched] = isCandidate ? [after, before] : [before, after];
    const role = isCandidate ? "current" : "candidate";
    enforced.watched = describeWatched(enforced, watched, role);
    return count(enforced);
  }

  return {
    decide(build) {
      const [set, other] = [current(), running()];
      return set !== null && other !== null
        ? decideByBoth(set, other, build)
        : decideBy(set, build);
    },
    counts: () => ({ ...counts }),
  };
}
