/** What is reported to the bridge: what is enforced now, and what was counted since the last time. */
import {
  type BundleStatus,
  type CandidateStatus,
  type CandidateTerms,
  limits,
  type Status,
} from "bouncer-bridge/protocol";
import type { FailureCode } from "../errors.ts";
import type { CandidateCounts, Counts, Receiver } from "./source.ts";

/** What became of the last hint for a bundle. */
export interface Outcome {
  readonly bundle: string;
  readonly error: FailureCode | null;
  /** A candidate that could not be opened. */
  readonly candidate: { readonly terms: CandidateTerms; readonly error: FailureCode } | null;
}

export interface Reporter {
  /** Counts what is new once: to be called only for a status that is sent. */
  take(outcomes: readonly Outcome[]): Status;
  /** Something was counted since the last status. */
  hasNews(): boolean;
}

export function createReporter(receiver: Pick<Receiver, "active" | "counts">): Reporter {
  let last: Counts = { decisions: 0, refused: 0, candidates: new Map() };

  function describeCandidate({ bundle, candidate: failed }: Outcome, now: Counts) {
    const counted = now.candidates.get(bundle);
    if (counted !== undefined) return describeCounts(counted, last.candidates.get(bundle));
    if (failed === null) return null;
    const { revision, sha256 } = failed.terms;
    const nothing = { decisions: 0, differing: 0, wouldRefuse: 0, stopped: null };
    return { revision, sha256, enforced: false, error: failed.error, ...nothing };
  }

  function describeBundle(outcome: Outcome, now: Counts): BundleStatus {
    const { bundle, error } = outcome;
    const active = receiver.active(bundle);
    const revision = active?.revision.slice(0, limits.revisionChars) ?? null;
    const candidate = describeCandidate(outcome, now);
    return { bundle, revision, sha256: active?.sha256 ?? null, error, candidate };
  }

  return {
    take(outcomes) {
      const now = receiver.counts();
      const status: Status = {
        kind: "status",
        bundles: outcomes.map((outcome) => describeBundle(outcome, now)),
        decisions: now.decisions - last.decisions,
        refused: now.refused - last.refused,
      };
      last = now;
      return status;
    },
    hasNews() {
      const now = receiver.counts();
      if (now.decisions !== last.decisions) return true;
      return [...now.candidates].some(([bundle, candidate]) => {
        const before = last.candidates.get(bundle);
        return before?.decisions !== candidate.decisions || before.stopped !== candidate.stopped;
      });
    },
  };
}

function describeCounts(now: CandidateCounts, last: CandidateCounts | undefined): CandidateStatus {
  const { revision, sha256, enforced, stopped } = now;
  const before = last?.sha256 === sha256 ? last : undefined;
  return {
    revision: revision.slice(0, limits.revisionChars),
    sha256,
    enforced,
    error: null,
    decisions: now.decisions - (before?.decisions ?? 0),
    differing: now.differing - (before?.differing ?? 0),
    wouldRefuse: now.wouldRefuse - (before?.wouldRefuse ?? 0),
    stopped: stopped === null ? null : stopped.slice(0, limits.reasonChars),
  };
}
