/**
 * The running webhook, put together: two servers, the certificates, the settings file and what
 * follows the API server. Everything that touches the world is passed in.
 */
import type { Identity } from "bouncer-certs/key-pair";
import { rotationPolicy } from "bouncer-certs/rotation";
import { createAdminServer } from "./admin.ts";
import { fillAuthority } from "./admission/authority.ts";
import { createAdmit } from "./admission/handler.ts";
import type { AdmissionDeps } from "./admission/handler.ts";
import { createJudge } from "./admission/judge.ts";
import type { JudgeDeps } from "./admission/judge.ts";
import { createWarn } from "./admission/warn.ts";
import type { Config } from "./config.ts";
import { toInjectorError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { startEvents } from "./events/start.ts";
import type { ApiServer } from "./kube/api-server.ts";
import { createCluster } from "./kube/cluster.ts";
import { createNamespaces } from "./kube/namespaces.ts";
import { createAskApi } from "./kube/request.ts";
import { createSecretStore } from "./kube/secrets.ts";
import { createServices } from "./kube/services.ts";
import { createWebhookStore, followWebhook } from "./kube/webhook.ts";
import { createLoop, waitAtMost } from "./loop.ts";
import type { Timer } from "./loop.ts";
import { assessReadiness } from "./readiness.ts";
import { startReconciler } from "./reconcile/start.ts";
import { createWebhookServer, listen } from "./server.ts";
import { openSettingsFile } from "./settings-file.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createCertificates } from "./tls/certificates.ts";
import { serviceDnsNames } from "./tls/names.ts";

export interface WebhookWorld
  extends
    Pick<AdmissionDeps, "buildPatch" | "monotonic">,
    Pick<JudgeDeps, "inject" | "createAdminToken" | "version"> {
  readonly apiServer: ApiServer;
  readonly readFile: (path: string) => Promise<string>;
  readonly createIdentity: (bits: number) => Promise<Identity>;
  /** Of this replica, and of this run of it. */
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly timer: Timer;
  readonly log: Log;
}

export interface Webhook {
  readonly port: number;
  readonly adminPort: number;
  /** Answers what is under way and what is still sent here, then ends. */
  close(): Promise<void>;
}

const certificatesIntervalMs = 30_000;
const settingsIntervalMs = 5000;
const retryMs = 1000;

export async function startWebhook(config: Config, world: WebhookWorld): Promise<Webhook> {
  const { apiServer, log, now, timer } = world;
  const ask = createAskApi(apiServer);
  const onError = (error: unknown): void => {
    const { code, message } = toInjectorError(error);
    log.error({ code, detail: message }, "will be tried again");
  };
  const settingsFile = await openSettingsFile({
    path: config.settingsFile,
    read: world.readFile,
    log,
  });
  const certificates = createCertificates({
    ...certificateTargets(config),
    secrets: createSecretStore(ask, config.namespace),
    webhook: createWebhookStore(ask, config.webhookConfiguration),
    serve: (certificate) => server.setCertificate(certificate),
    createIdentity: world.createIdentity,
    policy: rotationPolicy,
    now,
    log,
  });
  const revision = (): string => settingsFile.current().revision;
  const metrics = createMetrics({
    certificates: () => certificates.status(),
    settingsValid: () => settingsFile.isValid(),
    isLeader: () => reconciler.isLeader(),
    reconciler: () => reconciler.status(),
    info: () => ({ version: world.version, revision: revision() }),
  });
  const namespaces = createNamespaces({ apiServer, onError, timer });
  const cluster = createCluster({ ask, timer, log });
  const bridgeNames = certificateTargets(config).bridge?.dnsNames ?? [];
  const judge = createJudge({
    ...world,
    namespaces,
    versions: () => cluster.versions(),
    services: createServices({ ...world, ask }),
    settings: () => fillAuthority(settingsFile.current(), certificates.bundle(), bridgeNames),
    injectorNamespace: config.namespace,
  });
  const events = startEvents(config, {
    ...world,
    ask,
    onError,
    count: (result) => metrics.event(result),
  });
  const admit = createAdmit({
    ...world,
    judge,
    revision,
    record: (event) => events.record(event),
    observe: (result, reason, seconds) => metrics.admission(result, reason, seconds),
  });
  const warn = createWarn({
    ...world,
    judge,
    revision,
    observe: (result, reason) => metrics.workload(result, reason),
  });
  const refused = (code: ErrorCode): void => metrics.refused(code);
  const server = createWebhookServer({ admit, warn, refused, log });
  let draining = false;
  const readiness = () =>
    assessReadiness({
      certificates: certificates.status(),
      namespacesSynced: namespaces.isSynced(),
      clusterSettled: cluster.isSettled(),
      draining,
      now: now(),
    });
  const reconciler = startReconciler(config, {
    ...world,
    ask,
    namespaces,
    judge,
    revision,
    recorder: events,
    isReady: () => readiness().ready,
    countEviction: (result) => metrics.eviction(result),
    onFailure: () => metrics.reconcileFailed(),
  });
  const admin = createAdminServer({ readiness, metrics, log });
  const port = await server.listen(config.port);
  const adminPort = await listen(admin, config.adminPort, onError);

  const loops = [
    createLoop({
      task: () => certificates.reconcile(),
      onError,
      intervalMs: certificatesIntervalMs,
      retryMs,
      timer,
    }),
    createLoop({
      task: () => settingsFile.check(),
      onError,
      intervalMs: settingsIntervalMs,
      retryMs,
      timer,
    }),
  ] as const;
  const followed = followWebhook({
    apiServer,
    name: config.webhookConfiguration,
    onChange: () => loops[0].trigger(),
    onError,
    timer,
  });
  return {
    port,
    adminPort,
    close: async () => {
      draining = true;
      server.drain();
      await elapse(config.drainDelayMs, timer);
      const started = world.monotonic();
      // The lead goes to another replica at once. An API server that does not answer keeps nobody.
      await Promise.all([
        waitAtMost(reconciler.close(), config.drainTimeoutMs, timer),
        server.close(config.drainTimeoutMs),
      ]);
      const left = config.drainTimeoutMs - (world.monotonic() - started);
      await events.close(Math.max(0, left));
      await Promise.all([...loops.map((loop) => loop.close()), followed.close()]);
      await Promise.all([namespaces.close(), cluster.close()]);
      admin.close();
      admin.closeAllConnections();
    },
  };
}

function certificateTargets({ service, tlsSecret, bridge, namespace, clusterDomain }: Config) {
  const names = (of: string) => serviceDnsNames(of, namespace, clusterDomain);
  return {
    serving: { secret: tlsSecret, dnsNames: names(service) },
    bridge: bridge === null ? null : { secret: bridge.tlsSecret, dnsNames: names(bridge.service) },
  };
}

function elapse(ms: number, timer: Timer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  timer.after(ms, resolve);
  return promise;
}
