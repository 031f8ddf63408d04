/**
 * The webhook's environment: one table declares each variable, what it accepts, its default and
 * its documentation. What people configure is in the settings file (settings.ts); these variables
 * are where the chart tells the webhook its own names. Pure: the record is passed in.
 */
import {
  type Environment,
  optional,
  type Reading,
  readTable,
  required,
  type TextOf,
  type Values,
  variable,
} from "bouncer-environment/table";
import { flag, integer, text } from "bouncer-environment/value";
import * as v from "valibot";

const label = v.pipe(v.string(), v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/));
const subdomain = v.pipe(v.string(), v.regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/));
const milliseconds = v.pipe(
  integer(0, 600),
  v.transform((seconds) => seconds * 1000),
);

const interval = v.pipe(
  integer(0, 86_400),
  v.transform((seconds) => seconds * 1000),
);

export const table = {
  namespace: required("INJECTOR_NAMESPACE", label, {
    accepts: "the name of a namespace",
    doc: "Namespace that the webhook runs in; its pods are never injected.",
  }),
  service: required("INJECTOR_SERVICE", label, {
    accepts: "the name of a Service",
    doc: "Service by which the API server reaches the webhook.",
  }),
  webhookConfiguration: required("INJECTOR_WEBHOOK_CONFIGURATION", subdomain, {
    accepts: "the name of a MutatingWebhookConfiguration",
    doc: "Where the webhook keeps its authority (`caBundle`) up to date.",
  }),
  tlsSecret: required("INJECTOR_TLS_SECRET", subdomain, {
    accepts: "the name of a Secret",
    doc: "Secret of the authority, its key and the serving certificate; created empty.",
  }),
  bridgeService: optional("INJECTOR_BRIDGE_SERVICE", label, {
    accepts: "the name of a Service, or nothing",
    doc: "Service of the included bridge; empty without one.",
  }),
  bridgeTlsSecret: optional("INJECTOR_BRIDGE_TLS_SECRET", subdomain, {
    accepts: "the name of a Secret, or nothing",
    doc: "Secret of the bridge's serving certificate; created empty.",
  }),
  clusterDomain: variable("INJECTOR_CLUSTER_DOMAIN", "cluster.local", subdomain, {
    accepts: "a DNS name",
    doc: "Domain of the cluster, for the certificates' names.",
  }),
  port: variable("INJECTOR_PORT", "8443", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    doc: "Port of `POST /mutate` (pods) and `POST /warn` (workloads), over HTTPS. 0 takes a free one.",
  }),
  adminPort: variable("INJECTOR_ADMIN_PORT", "9090", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    doc: "Port of `/health`, `/ready` and `/metrics`, over plain HTTP.",
  }),
  settingsFile: variable("INJECTOR_SETTINGS_FILE", "/etc/bouncer-injector/settings.yaml", text, {
    accepts: "a path",
    doc: "The settings, YAML; read again when the file changes.",
  }),
  drainDelayMs: variable("INJECTOR_DRAIN_DELAY_SECONDS", "5", milliseconds, {
    accepts: "seconds, 0 to 600",
    doc: "How long to go on serving after SIGTERM, until no new request is sent here.",
  }),
  drainTimeoutMs: variable("INJECTOR_DRAIN_TIMEOUT_SECONDS", "10", milliseconds, {
    accepts: "seconds, 0 to 600",
    doc: "How long requests may take to finish after that.",
  }),
  events: variable("INJECTOR_EVENTS", "true", flag, {
    accepts: "`true` or `false`",
    doc: "Whether Events are written: on the Deployment or other owner of a pod that was injected, skipped, denied or found unprotected.",
  }),
  lease: variable("INJECTOR_LEASE", "bouncer-injector", subdomain, {
    accepts: "the name of a Lease",
    doc: "Lease in the webhook's namespace by which one replica is chosen to count unprotected pods; created when it is not there.",
  }),
  reconcileIntervalMs: variable("INJECTOR_RECONCILE_INTERVAL_SECONDS", "60", interval, {
    accepts: "seconds, 0 to 86400",
    doc: "How often pods that run without a bouncer are counted. 0: never.",
  }),
  evictUnprotected: variable("INJECTOR_EVICT_UNPROTECTED", "false", flag, {
    accepts: "`true` or `false`",
    doc: "Whether unprotected pods of ReplicaSets, StatefulSets and ReplicationControllers are evicted, so that they come back with a bouncer. PodDisruptionBudgets hold.",
  }),
  evictionsPerInterval: variable("INJECTOR_EVICTIONS_PER_INTERVAL", "1", integer(1, 50), {
    accepts: "a whole number, 1 to 50",
    doc: "How many pods may be evicted between two counts; of one owner it is never more than one.",
  }),
  serviceAccountFolder: variable(
    "INJECTOR_SERVICE_ACCOUNT_FOLDER",
    "/var/run/secrets/kubernetes.io/serviceaccount",
    text,
    {
      accepts: "a path",
      doc: "Folder of `token` and `ca.crt`, with which the API server is asked; both are read again when they change. Another one for pods that mount a token of their own.",
    },
  ),
  logLevel: variable(
    "LOG_LEVEL",
    "info",
    v.picklist(["trace", "debug", "info", "warn", "error", "fatal"]),
    {
      accepts: "`trace`, `debug`, `info`, `warn`, `error` or `fatal`",
      doc: "Least severe log line that is written to stdout.",
    },
  ),
};

type Variables = Values<typeof table>;

export interface Config extends Omit<Variables, "bridgeService" | "bridgeTlsSecret"> {
  /** Null: there is no included bridge. */
  readonly bridge: { readonly service: string; readonly tlsSecret: string } | null;
}

export function parseConfig(environment: Environment): Reading<Config> {
  const read = readTable(table, environment, { prefix: "INJECTOR_", conflicts: findConflicts });
  return read.kind === "invalid" ? read : { kind: "ok", config: build(read.config) };
}

/** For those who need nothing else of the configuration. */
export function readServiceAccountFolder(environment: Environment): string {
  const { about } = table.serviceAccountFolder;
  const given = environment[about.name] ?? "";
  return v.parse(table.serviceAccountFolder, given === "" ? null : given);
}

function findConflicts(textOf: TextOf): string[] {
  const service = textOf("INJECTOR_BRIDGE_SERVICE");
  const secret = textOf("INJECTOR_BRIDGE_TLS_SECRET");
  if ((service === null) === (secret === null)) return [];
  return [
    `Cannot use INJECTOR_BRIDGE_SERVICE "${service ?? ""}" with INJECTOR_BRIDGE_TLS_SECRET "${secret ?? ""}": accepted is both or none`,
  ];
}

function build({
  bridgeService: service,
  bridgeTlsSecret: tlsSecret,
  ...direct
}: Variables): Config {
  const bridge = service === null || tlsSecret === null ? null : { service, tlsSecret };
  return { ...direct, bridge };
}
