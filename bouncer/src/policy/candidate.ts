/**
 * A policy beside the enforced one, asked the same, and what comes of the comparison: how often the
 * two differ, and whether the candidate, where it is the one that is enforced, refuses so much more
 * or less that it has to be given up. Pure.
 */
import type { CandidateTerms } from "bouncer-bridge/protocol";
import type { CandidateStatus, Decision, Verdict, Watched } from "./decision.ts";

type Side = Pick<Decision, "verdict">;

/** Both sides of one request. */
export interface Comparison {
  readonly current: Side;
  readonly candidate: Side;
}

/** The comparison, as far as what decides takes part in it. */
export interface Comparing {
  readonly isEnforced: boolean;
  /** Says whether the candidate was given up by this one. */
  count(comparison: Comparison): boolean;
}

/** What comparisons came to. */
export interface Compared {
  readonly decisions: number;
  readonly differing: number;
  /** Refused by the candidate; refused by the current policy. */
  readonly wouldRefuse: number;
  readonly currentRefused: number;
}

export class Trial implements Comparing {
  readonly #name: string;
  #terms: CandidateTerms;
  #decisions = 0;
  #differing = 0;
  #wouldRefuse = 0;
  #currentRefused = 0;
  #stopped: string | null = null;
  /** Since the shares were last compared. */
  #window = { decisions: 0, change: 0 };

  /** `name`: of the bundle whose place the candidate is to take. */
  constructor(name: string, terms: CandidateTerms) {
    this.#name = name;
    this.#terms = terms;
  }

  get isEnforced(): boolean {
    return this.#terms.enforce && this.#stopped === null;
  }

  get terms(): CandidateTerms {
    return this.#terms;
  }

  /** Goes on with the same candidate under other terms. */
  setTerms(terms: CandidateTerms): void {
    this.#terms = terms;
  }

  count(comparison: Comparison): boolean {
    return this.add(compare(comparison));
  }

  /** Of several requests, as other threads have them. Says whether the candidate was given up. */
  add({ decisions, differing, wouldRefuse, currentRefused }: Compared): boolean {
    this.#decisions += decisions;
    this.#currentRefused += currentRefused;
    this.#wouldRefuse += wouldRefuse;
    this.#differing += differing;
    return this.isEnforced && this.#judge(decisions, wouldRefuse - currentRefused);
  }

  /**
   * The shares are compared over so many decisions at a time, so that a change is not lost among
   * all the decisions before it; and at once when there are already too many for such a window.
   */
  #judge(added: number, change: number): boolean {
    const { minDecisions, maxRefusalRateChange } = this.#terms;
    this.#window.decisions += added;
    this.#window.change += change;
    const { decisions } = this.#window;
    const moved = Math.abs(this.#window.change);
    if (moved > maxRefusalRateChange * minDecisions) {
      const word = this.#window.change > 0 ? "more" : "fewer";
      this.#stopped = `of ${decisions} requests it refused ${moved} ${word} than the current policy`;
      return true;
    }
    if (decisions >= minDecisions) this.#window = { decisions: 0, change: 0 };
    return false;
  }

  status(): CandidateStatus {
    return {
      name: this.#name,
      revision: this.#terms.revision,
      sha256: this.#terms.sha256,
      enforced: this.isEnforced,
      decisions: this.#decisions,
      differing: this.#differing,
      wouldRefuse: this.#wouldRefuse,
      currentRefused: this.#currentRefused,
      stopped: this.#stopped,
    };
  }
}

export function compare({ current, candidate }: Comparison): Compared {
  return {
    decisions: 1,
    differing: Number(differs(current.verdict, candidate.verdict)),
    wouldRefuse: Number(isRefused(candidate)),
    currentRefused: Number(isRefused(current)),
  };
}

export function addCompared(one: Compared, other: Compared): Compared {
  return {
    decisions: one.decisions + other.decisions,
    differing: one.differing + other.differing,
    wouldRefuse: one.wouldRefuse + other.wouldRefuse,
    currentRefused: one.currentRefused + other.currentRefused,
  };
}

function isRefused({ verdict }: Side): boolean {
  return verdict.kind === "deny";
}

/** Whether client or application would notice. What is only for the log is not looked at. */
export function differs(one: Verdict, other: Verdict): boolean {
  return JSON.stringify(shown(one)) !== JSON.stringify(shown(other));
}

function shown(verdict: Verdict): unknown {
  if (verdict.kind === "allow") {
    // A set has no order, and these often are one.
    const requestHeadersToRemove = verdict.requestHeadersToRemove.toSorted();
    return { ...verdict, requestHeadersToRemove };
  }
  const { detail: _, ...told } = verdict;
  return told;
}

/** What the audit record of the enforced decision says of the other one. */
export function describeWatched(
  enforced: Decision,
  watched: Decision,
  role: Watched["role"],
): Watched | null {
  const { verdict, bundle } = watched;
  if (bundle === null) return null;
  const reason = verdict.kind === "deny" ? verdict.reason : null;
  return {
    bundle,
    role,
    verdict: verdict.kind,
    reason,
    differs: differs(enforced.verdict, verdict),
  };
}
