/**
 * The webhook's environment: one schema declares each variable, what it accepts, its default and
 * its documentation. What people configure is in the settings file (settings.ts); these variables
 * are where the chart tells the webhook its own names. Pure: the record is passed in.
 */
import * as v from "valibot";

interface About {
  readonly accepts: string;
  readonly about: string;
}

/** A variable; `fallback` null: it is required. */
function variable<TOutput>(
  fallback: string | null,
  schema: v.GenericSchema<string, TOutput>,
  about: About,
) {
  const text = fallback === null ? v.string() : v.optional(v.string(), fallback);
  return v.pipe(text, schema, v.metadata({ ...about, fallback }));
}

function integer(minimum: number, maximum: number) {
  return v.pipe(
    v.string(),
    v.regex(/^[0-9]{1,9}$/),
    v.transform(Number),
    v.minValue(minimum),
    v.maxValue(maximum),
  );
}

const labelPattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const subdomainPattern = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const label = v.pipe(v.string(), v.regex(labelPattern));
const subdomain = v.pipe(v.string(), v.regex(subdomainPattern));
const optionalLabel = v.pipe(
  v.string(),
  v.check((text) => text === "" || labelPattern.test(text)),
);
const optionalSubdomain = v.pipe(
  v.string(),
  v.check((text) => text === "" || subdomainPattern.test(text)),
);

const schema = v.object({
  INJECTOR_NAMESPACE: variable(null, label, {
    accepts: "the name of a namespace",
    about: "Namespace that the webhook runs in; its pods are never injected.",
  }),
  INJECTOR_SERVICE: variable(null, label, {
    accepts: "the name of a Service",
    about: "Service by which the API server reaches the webhook.",
  }),
  INJECTOR_WEBHOOK_CONFIGURATION: variable(null, subdomain, {
    accepts: "the name of a MutatingWebhookConfiguration",
    about: "Where the webhook keeps its authority (`caBundle`) up to date.",
  }),
  INJECTOR_TLS_SECRET: variable(null, subdomain, {
    accepts: "the name of a Secret",
    about: "Secret of the authority, its key and the serving certificate; created empty.",
  }),
  INJECTOR_BRIDGE_SERVICE: variable("", optionalLabel, {
    accepts: "the name of a Service, or nothing",
    about: "Service of the included bridge; empty without one.",
  }),
  INJECTOR_BRIDGE_TLS_SECRET: variable("", optionalSubdomain, {
    accepts: "the name of a Secret, or nothing",
    about: "Secret of the bridge's serving certificate; created empty.",
  }),
  INJECTOR_CLUSTER_DOMAIN: variable("cluster.local", subdomain, {
    accepts: "a DNS name",
    about: "Domain of the cluster, for the certificates' names.",
  }),
  INJECTOR_PORT: variable("8443", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    about: "Port of `POST /mutate`, over HTTPS. 0 takes a free one.",
  }),
  INJECTOR_ADMIN_PORT: variable("9090", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    about: "Port of `/health`, `/ready` and `/metrics`, over plain HTTP.",
  }),
  INJECTOR_SETTINGS_FILE: variable(
    "/etc/bouncer-injector/settings.yaml",
    v.pipe(v.string(), v.minLength(1)),
    { accepts: "a path", about: "The settings, YAML; read again when the file changes." },
  ),
  INJECTOR_DRAIN_DELAY_SECONDS: variable("5", integer(0, 600), {
    accepts: "seconds, 0 to 600",
    about: "How long to go on serving after SIGTERM, until no new request is sent here.",
  }),
  INJECTOR_DRAIN_TIMEOUT_SECONDS: variable("10", integer(0, 600), {
    accepts: "seconds, 0 to 600",
    about: "How long requests may take to finish after that.",
  }),
  LOG_LEVEL: variable("info", v.picklist(["trace", "debug", "info", "warn", "error", "fatal"]), {
    accepts: "`trace`, `debug`, `info`, `warn`, `error` or `fatal`",
    about: "Least severe log line that is written to stdout.",
  }),
});

type Environment = v.InferOutput<typeof schema>;

export interface Config {
  readonly namespace: string;
  readonly service: string;
  readonly webhookConfiguration: string;
  readonly tlsSecret: string;
  /** Null: there is no included bridge. */
  readonly bridge: { readonly service: string; readonly tlsSecret: string } | null;
  readonly clusterDomain: string;
  readonly port: number;
  readonly adminPort: number;
  readonly settingsFile: string;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: Environment["LOG_LEVEL"];
}

export type ConfigResult =
  | { readonly kind: "ok"; readonly config: Config }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** One row of the documentation for each variable; `fallback` null: required. */
export interface VariableAbout extends About {
  readonly name: string;
  readonly fallback: string | null;
}

export const variables: readonly VariableAbout[] = Object.entries(schema.entries).map(
  ([name, entry]) => ({ name, ...(v.getMetadata(entry) as About & { fallback: string | null }) }),
);

/** An empty value counts as unset, as a chart leaves it. */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ConfigResult {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = v.safeParse(schema, set);
  const problems = [
    ...unknownVariables(Object.keys(set)),
    ...(parsed.issues ?? []).map((issue) => describe(String(issue.path?.[0].key), set)),
    ...(parsed.success ? contradictions(parsed.output) : []),
  ];
  if (!parsed.success || problems.length > 0) return { kind: "invalid", problems };
  return { kind: "ok", config: build(parsed.output) };
}

function unknownVariables(names: readonly string[]): string[] {
  return names
    .filter((name) => name.startsWith("INJECTOR_") && !Object.hasOwn(schema.entries, name))
    .map((name) => `Cannot use ${name}: there is no variable of this name`);
}

function describe(name: string, set: Readonly<Record<string, string | undefined>>): string {
  const accepts = variables.find((row) => row.name === name)?.accepts.replaceAll("`", '"') ?? "";
  const value = set[name];
  if (value === undefined) return `Cannot start without ${name}: accepted is ${accepts}`;
  return `Cannot use ${name} "${value}": accepted is ${accepts}`;
}

function contradictions(environment: Environment): string[] {
  const service = environment.INJECTOR_BRIDGE_SERVICE;
  const secret = environment.INJECTOR_BRIDGE_TLS_SECRET;
  if ((service === "") === (secret === "")) return [];
  return [
    `Cannot use INJECTOR_BRIDGE_SERVICE "${service}" with INJECTOR_BRIDGE_TLS_SECRET "${secret}": accepted is both or none`,
  ];
}

function build(environment: Environment): Config {
  const bridge = environment.INJECTOR_BRIDGE_SERVICE;
  return {
    namespace: environment.INJECTOR_NAMESPACE,
    service: environment.INJECTOR_SERVICE,
    webhookConfiguration: environment.INJECTOR_WEBHOOK_CONFIGURATION,
    tlsSecret: environment.INJECTOR_TLS_SECRET,
    bridge:
      bridge === "" ? null : { service: bridge, tlsSecret: environment.INJECTOR_BRIDGE_TLS_SECRET },
    clusterDomain: environment.INJECTOR_CLUSTER_DOMAIN,
    port: environment.INJECTOR_PORT,
    adminPort: environment.INJECTOR_ADMIN_PORT,
    settingsFile: environment.INJECTOR_SETTINGS_FILE,
    drainDelayMs: environment.INJECTOR_DRAIN_DELAY_SECONDS * 1000,
    drainTimeoutMs: environment.INJECTOR_DRAIN_TIMEOUT_SECONDS * 1000,
    logLevel: environment.LOG_LEVEL,
  };
}
