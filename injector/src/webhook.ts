/**
 * The running webhook, put together: two servers, the certificates, the settings file and what
 * follows the API server. Everything that touches the world is passed in.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import type { Identity } from "bouncer-certs/key-pair";
import { rotationPolicy } from "bouncer-certs/rotation";
import { createAdminServer } from "./admin.ts";
import { fillAuthority } from "./admission/authority.ts";
import { createAdmit } from "./admission/handler.ts";
import type { AdmissionDeps } from "./admission/handler.ts";
import type { Config } from "./config.ts";
import { toInjectorError } from "./errors.ts";
import { createNamespaces } from "./kube/namespaces.ts";
import { createSecretStore } from "./kube/secrets.ts";
import { createWebhookStore, followWebhook } from "./kube/webhook.ts";
import { createLoop } from "./loop.ts";
import type { Timer } from "./loop.ts";
import { assessReadiness } from "./readiness.ts";
import { createWebhookServer, listen } from "./server.ts";
import { openSettingsFile } from "./settings-file.ts";
import type { Log } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createCertificates } from "./tls/certificates.ts";
import { serviceDnsNames } from "./tls/names.ts";

export interface WebhookWorld extends Pick<
  AdmissionDeps,
  "inject" | "buildPatch" | "createAdminToken" | "version" | "monotonic"
> {
  readonly kubeConfig: KubeConfig;
  readonly readFile: (path: string) => Promise<string>;
  readonly createIdentity: (bits: number) => Promise<Identity>;
  /** Milliseconds since the epoch, for certificates. */
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
  const { kubeConfig, log, now, timer } = world;
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
    secrets: createSecretStore(kubeConfig, config.namespace),
    webhook: createWebhookStore(kubeConfig, config.webhookConfiguration),
    serve: (certificate) => server.setCertificate(certificate),
    createIdentity: world.createIdentity,
    policy: rotationPolicy,
    now,
    log,
  });
  const metrics = createMetrics({
    certificates: () => certificates.status(),
    settingsValid: () => settingsFile.isValid(),
  });
  const namespaces = createNamespaces({ kubeConfig, onError, timer });
  const bridgeNames = certificateTargets(config).bridge?.dnsNames ?? [];
  const admit = createAdmit({
    ...world,
    namespaces,
    settings: () => fillAuthority(settingsFile.current(), certificates.bundle(), bridgeNames),
    injectorNamespace: config.namespace,
    observe: (result, reason, seconds) => metrics.admission(result, reason, seconds),
  });
  const server = createWebhookServer({ admit, refused: (code) => metrics.refused(code), log });
  let draining = false;
  const readiness = () =>
    assessReadiness({
      certificates: certificates.status(),
      namespacesSynced: namespaces.isSynced(),
      draining,
      now: now(),
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
    kubeConfig,
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
      await server.close(config.drainTimeoutMs);
      await Promise.all([...loops.map((loop) => loop.close()), followed.close()]);
      await namespaces.close();
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
