/** From the report of a request to the members of its records: as much as each thread does itself. */
import type { ExchangeReport } from "../proxy/exchange.ts";
import type { EventWriter } from "./event.ts";
import type { Commit } from "./sink.ts";

/** Writes the decision on a request before anything is sent because of it. */
export type CommitDecision = (report: ExchangeReport) => Promise<Commit>;

/** Where records get their place in the chain, and from there to their destination. */
export interface Ledger {
  /** From the members of a record, `{` included. What cannot be written is lost, and counted. */
  write(members: string): void;
  /** For who waits for it; what cannot be written was never in the chain. */
  commit(members: string): Promise<Commit>;
  /** Of another thread, which could not hand them over. */
  lose(records: number, error: unknown): void;
}

export interface AuditFront {
  /** null: requests do not wait for their records. */
  readonly commit: CommitDecision | null;
  /** When a request is over. */
  record(report: ExchangeReport): void;
}

export function createAuditFront(
  mode: "availability" | "auditability",
  events: EventWriter,
  ledger: Pick<Ledger, "write" | "commit">,
): AuditFront {
  return {
    commit:
      mode === "auditability"
        ? async (report) => await ledger.commit(events.decision(report))
        : null,
    record: (report) => {
      const event = chooseEvent(report);
      if (event === "whole") ledger.write(events.whole(report));
      else if (event === "outcome") ledger.write(events.outcome(report));
    },
  };
}

/** Where there is no audit log. */
export const noAudit: AuditFront = {
  commit: null,
  record: () => {
    // Switched off.
  },
};

/** What is still to be said at the end of a request. */
function chooseEvent(report: ExchangeReport): "whole" | "outcome" | "nothing" {
  const { recorded, reason, status, aborted } = report;
  // Refused because it could not be recorded: there is no decision that anybody acted on.
  if (recorded === null) return reason === "audit_unavailable" ? "nothing" : "whole";
  const isKnown = recorded.reason !== null && recorded.reason === reason;
  return isKnown && recorded.status === status && aborted === null ? "nothing" : "outcome";
}
