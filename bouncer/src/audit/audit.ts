/** Audit records, from the report of a request to a line at its destination. */
import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createChain } from "./chain.ts";
import { planErasures } from "./erase.ts";
import { createEventWriter, type Labels } from "./event.ts";
import { openAuditFile } from "./file.ts";
import { type Commit, createSink, createStreamWriter, defaultBatching } from "./sink.ts";

export interface AuditDeps {
  readonly version: string;
  readonly stdout: Writable;
  /** Called with the number of records that are lost, and why. */
  readonly onDropped: (records: number, error: unknown) => void;
  /** How long a request waits for its record. */
  readonly patienceMs?: number;
}

/** Writes the decision on a request before anything is sent because of it. */
export type CommitDecision = (report: ExchangeReport) => Promise<Commit>;

export interface AuditStatus {
  readonly enabled: boolean;
  readonly destination: "stdout" | "file";
  readonly mode: "availability" | "auditability";
  /** Records that were lost. */
  readonly dropped: number;
  /** Why the last batch of records could not be written; null when it was. */
  readonly error: string | null;
}

export interface Audit {
  /** null: requests do not wait for their records. */
  readonly commit: CommitDecision | null;
  /** When a request is over. */
  record(report: ExchangeReport): void;
  status(): AuditStatus;
  close(): Promise<void>;
}

type AuditConfig = Pick<
  Config,
  | "enableAuditLog"
  | "auditLogDestination"
  | "auditLogFile"
  | "auditMode"
  | "auditMasks"
  | "podName"
  | "podNamespace"
>;

function createDisabledAudit({ auditLogDestination, auditMode }: AuditConfig): Audit {
  return {
    commit: null,
    record: () => {
      // Switched off.
    },
    status: () => ({
      enabled: false,
      destination: auditLogDestination,
      mode: auditMode,
      dropped: 0,
      error: null,
    }),
    close: () => Promise.resolve(),
  };
}

export async function createAudit(config: AuditConfig, deps: AuditDeps): Promise<Audit> {
  if (!config.enableAuditLog) return createDisabledAudit(config);
  const labels: Labels = {
    id: randomUUID(),
    app: "bouncer",
    version: deps.version,
    pod: config.podName,
    namespace: config.podNamespace,
  };
  const events = createEventWriter(labels, planErasures(config.auditMasks ?? []));
  let dropped = 0;
  const onLost = (records: number, error: unknown): void => {
    dropped += records;
    deps.onDropped(records, error);
  };
  const file = config.auditLogDestination === "file" ? await openFile(config.auditLogFile) : null;
  const { patienceMs = defaultBatching.patienceMs } = deps;
  const sink = createSink({
    ...defaultBatching,
    patienceMs,
    writeBatch: file === null ? createStreamWriter(deps.stdout) : file.writeBatch,
    onLost,
  });
  const chain = createChain();
  const write = (members: string): void => {
    // The record is in the chain even when it is lost: the gap in the sequence shows it.
    if (!sink.write(chain.append(members))) onLost(1, null);
  };
  const commit: CommitDecision = async (report) => {
    // Nothing is lost here: the request is refused, and was never in the chain.
    if (!sink.isOpen()) return "refused";
    return await sink.commit(chain.append(events.decision(report)));
  };
  return {
    commit: config.auditMode === "auditability" ? commit : null,
    record: (report) => {
      const event = chooseEvent(report);
      if (event === "whole") write(events.whole(report));
      else if (event === "outcome") write(events.outcome(report));
    },
    status: () => ({
      enabled: true,
      destination: config.auditLogDestination,
      mode: config.auditMode,
      dropped,
      error: sink.problem(),
    }),
    close: async () => {
      await sink.close();
      await file?.close();
    },
  };
}

/** What is still to be said at the end of a request. */
function chooseEvent(report: ExchangeReport): "whole" | "outcome" | "nothing" {
  const { recorded, reason, status, aborted } = report;
  // Refused because it could not be recorded: there is no decision that anybody acted on.
  if (recorded === null) return reason === "audit_unavailable" ? "nothing" : "whole";
  const isKnown = recorded.reason !== null && recorded.reason === reason;
  return isKnown && recorded.status === status && aborted === null ? "nothing" : "outcome";
}

async function openFile(path: string): ReturnType<typeof openAuditFile> {
  try {
    return await openAuditFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown";
    throw new AppError("audit_unwritable", `Cannot open audit log "${path}": ${why}`, {
      cause: error,
    });
  }
}
