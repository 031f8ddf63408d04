/**
 * What carries requests in a thread: the listeners and what they need, from the configuration and
 * from what there is once for the process. The same in the main thread and in all others.
 */
import type { AuditFront } from "./audit/front.ts";
import type { Config, Route } from "./config.ts";
import { refusalOf } from "./errors.ts";
import type { ServerLimits } from "./http/message.ts";
import type { DecidingPolicy } from "./policy/decision.ts";
import { type Certificate, openCertificate } from "./proxy/certificate.ts";
import { createDate } from "./proxy/date.ts";
import type { ExchangeReport, Report } from "./proxy/exchange.ts";
import type { HandlerDeps } from "./proxy/handler.ts";
import type { SharedCount } from "./proxy/in-flight.ts";
import { createTrust } from "./proxy/peer.ts";
import { type Proxy, startProxy } from "./proxy/server.ts";
import type { Log } from "./telemetry/log.ts";
import type { Tracing } from "./telemetry/tracing.ts";

export interface DataPathDeps {
  readonly log: Log;
  readonly policy: DecidingPolicy;
  readonly audit: AuditFront;
  readonly tracing: Tracing;
  readonly admin: HandlerDeps["admin"];
  readonly isDraining: () => boolean;
  /** Counts what is over. */
  readonly observe: Report;
  readonly limits?: ServerLimits | undefined;
  /** null: this is the only thread. */
  readonly shared?: SharedCount | null;
}

/** How long a body that the policy wants to read may take to arrive. */
const bodyTimeoutMs = 30_000;

/** Fails when a port cannot be listened on or the certificate not be used. */
export async function startDataPath(
  config: Config,
  routes: readonly Route[],
  deps: DataPathDeps,
): Promise<Proxy> {
  const { log, policy, audit, tracing, limits, shared = null } = deps;
  const certificate = openCertificateOf(config, log);
  const report = (done: ExchangeReport): void => {
    audit.record(done);
    deps.observe(done);
    tracing.record(done);
    logReport(log, done);
  };
  try {
    const proxy = await startProxy(
      routes,
      {
        policy,
        report,
        commit: audit.commit,
        enforcement: { shadow: config.shadowMode, degradedRoutes: config.degradedRoutes ?? [] },
        isTrusted: createTrust(config.trustedProxies ?? []),
        admin: deps.admin,
        trace: (head) => tracing.trace(head),
        isDraining: deps.isDraining,
        date: createDate(),
        pseudonym: config.viaPseudonym,
        longLived: config.longLivedStreams,
        targetTimeoutMs: config.targetTimeoutSeconds * 1000,
        bodyTimeoutMs,
        maxInFlight: config.maxRequestsInFlight,
      },
      { certificate, shared, ...(limits === undefined ? {} : { limits }) },
    );
    return {
      ...proxy,
      stop: async (...args) => {
        const finished = await proxy.stop(...args);
        certificate?.close();
        return finished;
      },
    };
  } catch (error) {
    certificate?.close();
    throw error;
  }
}

function openCertificateOf(
  { tlsCertFile: certFile, tlsKeyFile: keyFile }: Config,
  log: Log,
): Certificate | null {
  if (certFile === null || keyFile === null) return null;
  return openCertificate({ certFile, keyFile }, (error) => {
    log.error({ err: error }, "certificate not renewed");
  });
}

/** Refusals by their own level; what went well is in the audit record, not in the log. */
function logReport(log: Log, report: ExchangeReport): void {
  const { reason, passage } = report;
  if (reason === null && passage === null) return;
  const { id, detail, status, head, opaque } = report;
  const what = opaque ? "connection" : "request";
  const fields = { decision: id, status, method: head?.method };
  if (passage !== null) {
    const message = passage.kind === "shadow" ? `${what} not refused` : `${what} not decided`;
    const { level } = refusalOf(passage.reason);
    log[level]({ ...fields, reason: passage.reason, detail: passage.detail }, message);
  }
  if (reason !== null)
    log[refusalOf(reason).level]({ ...fields, reason, detail }, `${what} refused`);
}
