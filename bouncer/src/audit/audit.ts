/** Audit records, from the report of a request to a line at its destination. */
import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { createChain } from "./chain.ts";
import { planErasures } from "./erase.ts";
import { createEventWriter, type Labels } from "./event.ts";
import { openAuditFile } from "./file.ts";
import { type AuditFront, createAuditFront, type Ledger, noAudit } from "./front.ts";
import { createSink, createStreamWriter, defaultBatching } from "./sink.ts";

export interface AuditDeps {
  readonly version: string;
  readonly stdout: Writable;
  /** Called with the number of records that are lost, and why. */
  readonly onDropped: (records: number, error: unknown) => void;
  /** How long a request waits for its record. */
  readonly patienceMs?: number;
}

export interface AuditStatus {
  readonly enabled: boolean;
  readonly destination: "stdout" | "file";
  readonly mode: "availability" | "auditability";
  /** Records that were lost. */
  readonly dropped: number;
  /** Why the last batch of records could not be written; null when it was. */
  readonly error: string | null;
}

export interface Audit extends AuditFront {
  /** For other threads: one chain and one destination for all; null: switched off. */
  readonly shared: { readonly labels: Labels; readonly ledger: Ledger } | null;
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
    ...noAudit,
    shared: null,
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
  const ledger: Ledger = {
    // The record is in the chain even when it is lost: the gap in the sequence shows it.
    write: (members) => {
      if (!sink.write(chain.append(members))) onLost(1, null);
    },
    commit: async (members) => {
      // Nothing is lost here: the request is refused, and was never in the chain.
      if (!sink.isOpen()) return "refused";
      return await sink.commit(chain.append(members));
    },
    lose: onLost,
  };
  return {
    ...createAuditFront(config.auditMode, events, ledger),
    shared: { labels, ledger },
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
