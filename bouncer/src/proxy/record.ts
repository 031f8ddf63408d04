/**
 * Records before deeds, where `AUDIT_MODE` asks for it: nothing is forwarded or refused before its
 * record is written, and where it cannot be, the client is refused for that.
 */
import type { CommitDecision } from "../audit/front.ts";
import type { Exchange } from "./exchange.ts";
import { createRefusal, type Refusal } from "./refusal.ts";

export interface Recording {
  readonly exchange: Exchange;
  /** What is to be sent, of which a connection that is reset has no status; null: it goes on. */
  readonly refusal: (Pick<Refusal, "reason" | "detail"> & { status: number | null }) | null;
  /** null: nothing waits for its record. */
  readonly commit: CommitDecision | null;
}

/**
 * Calls `next` when the decision on the exchange is recorded, with what the client gets instead
 * when it cannot be. Without `commit`, and for an exchange whose decision is recorded already, at
 * once. Never for an exchange that ended meanwhile.
 */
export function recordFirst(
  { exchange, refusal, commit }: Recording,
  next: (unrecorded: Refusal | null) => void,
): void {
  if (commit === null || exchange.recorded !== null) {
    next(null);
    return;
  }
  const { reason = null, detail = null, status = null } = refusal ?? {};
  const written = commit({ ...exchange.describe(), reason, detail, status });
  // From now on, it may be in the log: what becomes of it must be told there, too.
  exchange.recorded = { reason, status };
  void proceed(exchange, written, next);
}

async function proceed(
  exchange: Exchange,
  written: ReturnType<CommitDecision>,
  next: (unrecorded: Refusal | null) => void,
): Promise<void> {
  const problem = await findProblem(written);
  if (problem?.mayBeOut === false) exchange.recorded = null;
  if (exchange.isOver) return;
  next(problem && createRefusal("audit_unavailable", problem.detail));
}

interface Problem {
  readonly detail: string;
  /** The record may be in the log for all that. */
  readonly mayBeOut: boolean;
}

async function findProblem(written: ReturnType<CommitDecision>): Promise<Problem | null> {
  try {
    const outcome = await written;
    if (outcome === "written") return null;
    return outcome === "late"
      ? { detail: "the audit record was not written in time", mayBeOut: true }
      : { detail: "the audit record could not be written", mayBeOut: false };
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown";
    return { detail: `the audit record could not be made: ${why}`, mayBeOut: false };
  }
}
