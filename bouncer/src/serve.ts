/**
 * `bouncer serve`: puts the parts together, starts them in order and takes them down in order.
 * Where a part fails at start, nothing is left running.
 */
import type { Writable } from "node:stream";
import { type AdminDeps, type ServingState } from "./admin/routes.ts";
import { createProxyPortAdmin, startAdmin } from "./admin/server.ts";
import { createAudit } from "./audit/audit.ts";
import type { Config } from "./config.ts";
import { refusalOf } from "./errors.ts";
import type { Policy } from "./policy/decision.ts";
import { runProbe } from "./probe/probe.ts";
import type { ExchangeReport } from "./proxy/exchange.ts";
import type { ServerLimits } from "./http/message.ts";
import { openCertificate } from "./proxy/certificate.ts";
import { createDate } from "./proxy/date.ts";
import { createTrust } from "./proxy/peer.ts";
import { type Proxy, startProxy } from "./proxy/server.ts";
import { formatAuthority } from "./proxy/app-socket.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createTracing } from "./telemetry/tracing.ts";

export interface ServeDeps {
  readonly log: Log;
  readonly version: string;
  /** Where audit records go unless they go to a file. */
  readonly stdout: Writable;
  readonly createPolicy: (config: Config, deps: { log: Log; version: string }) => Promise<Policy>;
  readonly limits?: ServerLimits;
}

export interface Serving {
  readonly ports: readonly number[];
  readonly adminPort: number;
  /** The pod is going: `/ready` fails, and clients are asked for new connections elsewhere. */
  drain(): void;
  /**
   * Drains until the delay is over, counted from the first `drain`, then waits for what is in flight. Says whether everything finished by
   * itself. A second call does not wait any more.
   */
  stop(): Promise<boolean>;
}

/** How long a body that the policy wants to read may take to arrive. */
const bodyTimeoutMs = 30_000;

export async function startServing(config: Config, deps: ServeDeps): Promise<Serving> {
  const { log, version } = deps;
  const startedAt = Date.now();
  /** On `performance`'s clock; null while nobody has said that the pod is going. */
  let drainingSince: number | null = null;
  let proxy: Proxy | null = null;

  const policy = await deps.createPolicy(config, { log, version });
  const metrics = createMetrics({
    version,
    policy: () => policy.status(),
    inFlight: () => proxy?.inFlight() ?? 0,
    connections: () => proxy?.connections() ?? 0,
  });
  const audit = await createAudit(config, {
    version,
    stdout: deps.stdout,
    onDropped: (records, error) => {
      metrics.countDroppedRecords(records);
      log.error({ records, err: error }, "audit records lost");
    },
  });
  const tracing = createTracing(config, {
    version,
    onDropped: (spans, error) => {
      metrics.countDroppedSpans(spans);
      log.warn({ spans, err: error }, "spans not exported");
    },
  });
  const startDrain = (): void => {
    if (drainingSince !== null) return;
    drainingSince = performance.now();
    log.info("draining");
  };
  const state = (): ServingState => ({
    listening: proxy !== null,
    draining: drainingSince !== null,
    startedAt,
    inFlight: proxy?.inFlight() ?? 0,
    connections: proxy?.connections() ?? 0,
    routes: config.routes.map(({ port, target }) => ({ port, target: formatAuthority(target) })),
  });
  const adminDeps: AdminDeps = {
    version,
    policy,
    metrics,
    state,
    startDrain,
    token: config.adminToken,
    probes: config.probes,
    runProbe: (probe) => runProbe(probe, config.targetHost),
    routes: config.routes,
    audit: () => audit.status(),
    shadow: config.shadowMode,
  };
  const report = (done: ExchangeReport): void => {
    audit.record(done);
    metrics.observe(done);
    tracing.record(done);
    logReport(log, done);
  };
  const closeAll = async (): Promise<void> => {
    certificate?.close();
    await policy.close();
    await tracing.close();
    await audit.close();
  };

  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  const certificate =
    certFile === null || keyFile === null
      ? null
      : openCertificate({ certFile, keyFile }, (error) => {
          log.error({ err: error }, "certificate not renewed");
        });

  const admin = await startAdmin(config.adminPort, adminDeps).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const started = await startProxy(
    config.routes,
    {
      policy,
      report,
      commit: audit.commit,
      enforcement: {
        shadow: config.shadowMode,
        degradedRoutes: config.degradedRoutes ?? [],
      },
      isTrusted: createTrust(config.trustedProxies ?? []),
      admin: createProxyPortAdmin(config.adminOnProxyPort, adminDeps),
      trace: (head) => tracing.trace(head),
      isDraining: () => drainingSince !== null,
      date: createDate(),
      pseudonym: config.viaPseudonym,
      longLived: config.longLivedStreams,
      targetTimeoutMs: config.targetTimeoutSeconds * 1000,
      bodyTimeoutMs,
      maxInFlight: config.maxRequestsInFlight,
    },
    { certificate, ...(deps.limits === undefined ? {} : { limits: deps.limits }) },
  ).catch(async (error: unknown) => {
    await admin.close();
    await closeAll();
    throw error;
  });
  proxy = started;
  log.info({ ports: started.ports, adminPort: admin.port }, "serving");
  if (config.shadowMode) log.warn("shadow mode: the policy is asked, and nothing is refused by it");

  const impatience = new AbortController();
  const stopOnce = async (): Promise<boolean> => {
    startDrain();
    // The preStop hook may have begun it long ago: who is to hear of it has heard of it then.
    const drainedMs = performance.now() - (drainingSince ?? performance.now());
    const delayMs = Math.max(0, config.drainDelaySeconds * 1000 - drainedMs);
    await waitOrAbort(delayMs, impatience.signal);
    const finished = await started.stop(config.drainTimeoutSeconds * 1000, impatience.signal);
    await admin.close();
    await closeAll();
    log.info({ finished }, "stopped");
    return finished;
  };
  let stopping: Promise<boolean> | null = null;
  return {
    ports: started.ports,
    adminPort: admin.port,
    drain: startDrain,
    stop: () => {
      if (stopping !== null) impatience.abort();
      stopping ??= stopOnce();
      return stopping;
    },
  };
}

function waitOrAbort(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
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
