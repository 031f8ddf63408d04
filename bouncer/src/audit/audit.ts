/** Audit records, from the report of a request to a line at its destination. */
import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createChain } from "./chain.ts";
import { buildEvent, type Labels } from "./event.ts";
import { openAuditFile } from "./file.ts";
import { createSink, createStreamWriter, defaultBatching } from "./sink.ts";

export interface AuditDeps {
  readonly version: string;
  readonly stdout: Writable;
  /** Called with the number of records that are lost, and why. */
  readonly onDropped: (records: number, error: unknown) => void;
}

export interface Audit {
  record(report: ExchangeReport): void;
  close(): Promise<void>;
}

type AuditConfig = Pick<
  Config,
  "enableAuditLog" | "auditLogDestination" | "auditLogFile" | "podName" | "podNamespace"
>;

export async function createAudit(config: AuditConfig, deps: AuditDeps): Promise<Audit> {
  if (!config.enableAuditLog) {
    return {
      record: () => {
        // Switched off.
      },
      close: () => Promise.resolve(),
    };
  }
  const labels: Labels = {
    id: randomUUID(),
    app: "bouncer",
    version: deps.version,
    pod: config.podName,
    namespace: config.podNamespace,
  };
  const file = config.auditLogDestination === "file" ? await openFile(config.auditLogFile) : null;
  const sink = createSink({
    ...defaultBatching,
    writeBatch: file === null ? createStreamWriter(deps.stdout) : file.writeBatch,
    onLost: deps.onDropped,
  });
  const chain = createChain();
  return {
    record: (report) => {
      // The record is in the chain even when it is lost: the gap in the sequence shows it.
      const line = chain.append(buildEvent(report, labels));
      if (!sink.write(line)) deps.onDropped(1, null);
    },
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
