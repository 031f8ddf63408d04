/**
 * The ruling on each request: by the enforced set of bundles, compared with the other one while
 * there is a candidate, and counted.
 */
import type { Logger } from "pino";
import { describeWatched } from "./candidate.ts";
import type { BuildInput, Decider } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { LoadedSet } from "./loaded.ts";
import type { Running } from "./trials.ts";

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

export interface RulingsDeps {
  readonly decider: Decider;
  readonly current: () => LoadedSet | null;
  readonly running: () => Running | null;
  readonly log: Logger;
  /** The candidate refuses or admits too much more than the current set: it is enforced no more. */
  readonly onGivenUp: () => void;
}

/** Comparisons that wait for one side. Nobody waits for them, so nothing else holds them down. */
const maxComparing = 256;

export function createRulings({ decider, current, running, log, onGivenUp }: RulingsDeps): Rulings {
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

  function compare({ trial }: Running, before: Decision, after: Decision): void {
    if (!trial.count({ current: before, candidate: after })) return;
    const { name, revision, stopped } = trial.status();
    log.warn({ name, revision, reason: stopped }, "candidate given up, the current policy goes on");
    onGivenUp();
  }

  /** The client waits only for the one that is enforced. */
  function decideByBoth(
    set: LoadedSet,
    other: Running,
    build: BuildInput,
  ): Decision | Promise<Decision> {
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
