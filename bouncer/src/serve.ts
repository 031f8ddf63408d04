/**
 * `bouncer serve`: puts the parts together, starts them in order and takes them down in order.
 * Where a part fails at start, nothing is left running.
 */
import type { Writable } from "node:stream";
import { createProxyPortAdmin } from "./admin/proxy-port.ts";
import { type AdminDeps, answerPath, type ServingState } from "./admin/routes.ts";
import { startAdmin } from "./admin/server.ts";
import { createAudit } from "./audit/audit.ts";
import type { Config } from "./config.ts";
import { startDataPath } from "./data-path.ts";
import type { ServerLimits } from "./http/message.ts";
import type { Policy } from "./policy/decision.ts";
import type { Spread } from "./policy/spread.ts";
import { runProbe } from "./probe/probe.ts";
import { formatAuthority } from "./proxy/app-socket.ts";
import type { Proxy } from "./proxy/server.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createTracing } from "./telemetry/tracing.ts";
import type { StartWorker } from "./threads/member.ts";
import type { Pool } from "./threads/pool.ts";

export interface ServeDeps {
  readonly log: Log;
  readonly version: string;
  /** Where audit records go unless they go to a file. */
  readonly stdout: Writable;
  readonly createPolicy: (config: Config, deps: PolicyStart) => Promise<Policy>;
  readonly limits?: ServerLimits;
  /** Absent: this thread does it all. */
  readonly threads?: ThreadsDeps;
}

export interface PolicyStart {
  readonly log: Log;
  readonly version: string;
  /** null: there is one thread. */
  readonly spread: Spread | null;
}

export interface ThreadsDeps {
  /** That carry requests, this one included. */
  readonly count: number;
  /** What the configuration was read from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes lines of the log that other threads have written. */
  readonly writeLine: (lines: string) => void;
  readonly startWorker?: StartWorker;
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

export async function startServing(config: Config, deps: ServeDeps): Promise<Serving> {
  const { log, version } = deps;
  const startedAt = Date.now();
  /** On `performance`'s clock; null while nobody has said that the pod is going. */
  let drainingSince: number | null = null;
  let proxy: Proxy | null = null;

  const pool = await createPool(deps);
  const countInFlight = (): number => pool?.shared.total() ?? proxy?.inFlight() ?? 0;
  const countConnections = (): number => (proxy?.connections() ?? 0) + (pool?.connections() ?? 0);
  const policy = await deps.createPolicy(config, { log, version, spread: pool });
  const metrics = createMetrics({
    version,
    policy: () => policy.status(),
    inFlight: countInFlight,
    connections: countConnections,
    threads: pool,
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
    pool?.startDrain();
    log.info("draining");
  };
  const state = (): ServingState => ({
    listening: proxy !== null,
    draining: drainingSince !== null,
    startedAt,
    inFlight: countInFlight(),
    connections: countConnections(),
    threads: { total: deps.threads?.count ?? 1, serving: pool?.serving() ?? 1 },
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
    look: async () => await pool?.look(),
  };
  const closeAll = async (): Promise<void> => {
    pool?.close();
    await policy.close();
    await tracing.close();
    await audit.close();
  };
  const answerAdmin = (path: string) => answerPath(path, adminDeps);

  /** The other threads first: `/health` is well when all listen. */
  async function startThreads(): Promise<Proxy> {
    const routes = pool === null ? config.routes : await pool.findPorts(config.routes);
    await pool?.start({
      routes,
      labels: audit.shared?.labels ?? null,
      ledger: audit.shared?.ledger ?? null,
      writeLine: (lines) => deps.threads?.writeLine(lines),
      loseSpans: (spans) => {
        metrics.countDroppedSpans(spans);
      },
      admin: answerAdmin,
    });
    return await startDataPath(config, routes, {
      log,
      policy,
      audit,
      tracing,
      admin: createProxyPortAdmin(config.adminOnProxyPort, answerAdmin),
      isDraining: () => drainingSince !== null,
      observe: (report) => {
        metrics.observe(report);
      },
      limits: deps.limits,
      shared: pool?.shared ?? null,
    });
  }

  const admin = await startAdmin(config.adminPort, adminDeps).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const started = await startThreads().catch(async (error: unknown) => {
    await admin.close();
    await closeAll();
    throw error;
  });
  proxy = started;
  const threads = deps.threads?.count ?? 1;
  log.info({ ports: started.ports, adminPort: admin.port, threads }, "serving");
  if (config.shadowMode) log.warn("shadow mode: the policy is asked, and nothing is refused by it");

  const impatience = new AbortController();
  const stopOnce = async (): Promise<boolean> => {
    startDrain();
    // The preStop hook may have begun it long ago: who is to hear of it has heard of it then.
    const drainedMs = performance.now() - (drainingSince ?? performance.now());
    const delayMs = Math.max(0, config.drainDelaySeconds * 1000 - drainedMs);
    await waitOrAbort(delayMs, impatience.signal);
    const timeoutMs = config.drainTimeoutSeconds * 1000;
    const { signal } = impatience;
    const all = await Promise.all([
      started.stop(timeoutMs, signal),
      pool?.stop(timeoutMs, signal) ?? true,
    ]);
    const finished = all.every(Boolean);
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

/** What several threads take is loaded where there are some. */
async function createPool({ threads, log, version, limits }: ServeDeps): Promise<Pool | null> {
  if (threads === undefined || threads.count < 2) return null;
  const { Pool } = await import("./threads/pool.ts");
  const { count, environment, startWorker } = threads;
  const options = { threads: count, environment, version, log, limits };
  return new Pool(startWorker === undefined ? options : { ...options, startWorker });
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
