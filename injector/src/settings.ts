/**
 * The operator's configuration: the content of the file that the chart renders from its values, and
 * that the command line reads with --config. Strict: a key that is not here is refused, and all
 * problems are reported together. Pure; the shell reads the file.
 */
import { containerName, environment } from "bouncer/contract";
import * as v from "valibot";

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object that refuses unknown keys. valibot stops at the first, so the message names them all. */
function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries);
  const accepted = `an object with ${known.join(", ")}`;
  const schema = v.strictObject(entries, (issue) => {
    const input = issue.path?.at(-1)?.input;
    if (issue.expected !== "never" || !isObject(input)) return accepted;
    const unknown = Object.keys(input).filter((key) => !known.includes(key));
    return `unknown ${unknown.join(", ")}; accepted are ${known.join(", ")}`;
  });
  return v.pipe(v.unknown(), v.check(isObject, accepted), schema);
}

const described = <const Schema extends v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>>(
  text: string,
  schema: Schema,
) => v.pipe(schema, v.description(text));

const text = (accepted: string) => v.pipe(v.string(accepted), v.nonEmpty(accepted));

const matching = (pattern: RegExp, accepted: string) =>
  v.pipe(v.string(accepted), v.regex(pattern, accepted));

const wholeNumber = (min: number, max: number) => {
  const accepted = `a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(accepted),
    v.integer(accepted),
    v.minValue(min, accepted),
    v.maxValue(max, accepted),
  );
};

export const cpuPattern = /^([1-9]\d*m|[1-9]\d*|\d+\.\d{1,3})$/;
export const memoryPattern = /^[1-9]\d*(Ki|Mi|Gi|Ti|k|M|G|T)?$/;
export const acceptedCpu = `a CPU quantity such as "100m", "1" or "0.5"`;
export const acceptedMemory = `a memory quantity such as "64Mi" or "1Gi"`;

export const decisionPathPattern = /^[\w-]+(\/[\w-]+)*$/;
export const acceptedDecisionPath = `a path of a rule such as "envoy/authz/allow", without a leading slash`;

const cpu = matching(cpuPattern, acceptedCpu);
const memory = matching(memoryPattern, acceptedMemory);

const quantities = strict({ cpu, memory });

const resources = strict({ requests: quantities, limits: quantities });

/** Requests and limits of the sidecar. */
export type Resources = v.InferOutput<typeof resources>;

export const presetNames = ["small", "medium", "large", "xlarge"] as const;
export type PresetName = (typeof presetNames)[number];

const preset = (requests: [string, string], limits: [string, string]) =>
  v.optional(resources, {
    requests: { cpu: requests[0], memory: requests[1] },
    limits: { cpu: limits[0], memory: limits[1] },
  });

const presets = strict({
  small: preset(["50m", "64Mi"], ["100m", "128Mi"]),
  medium: preset(["100m", "128Mi"], ["200m", "256Mi"]),
  large: preset(["200m", "256Mi"], ["500m", "512Mi"]),
  xlarge: preset(["500m", "512Mi"], ["1", "1Gi"]),
});

/** A URL of one of `schemes`, without credentials: those do not belong into a pod's environment. */
export function isUrl(value: string, schemes: readonly string[]): boolean {
  const parsed = URL.parse(value);
  if (parsed === null || !schemes.includes(parsed.protocol)) return false;
  return parsed.username === "" && parsed.password === "" && parsed.hash === "";
}

export const bundleUrlSchemes = ["https:", "http:"] as const;
export const syncUrlSchemes = ["wss:", "ws:", "https:", "http:"] as const;
export const acceptedBundleUrl = `an absolute URL with https:// or http://`;
export const acceptedSyncUrl = `an absolute URL with wss://, https://, ws:// or http://`;

const url = (schemes: readonly string[], accepted: string) =>
  v.pipe(
    v.string(accepted),
    v.check((value) => isUrl(value, schemes), accepted),
  );

export const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "HS256",
  "HS384",
  "HS512",
] as const;

const verification = strict({
  key: described(
    "PEM public key (RS, PS, ES) or shared secret (HS) that bundles are verified with",
    text("a PEM public key or a shared secret"),
  ),
  keyId: v.optional(described("Key id that the signature must name", v.string()), ""),
  algorithm: v.optional(
    described("Signature algorithm", v.picklist(algorithms, `one of ${algorithms.join(", ")}`)),
    "RS256",
  ),
  scope: v.optional(described("Scope that the signature must name", v.string()), ""),
});

const policy = strict({
  bundleUrl: v.optional(
    described(
      "Where policy-loader fetches the bundle before the pod starts",
      v.nullable(url(bundleUrlSchemes, acceptedBundleUrl)),
    ),
    null,
  ),
  syncUrl: v.optional(
    described(
      "Where running bouncers learn of new revisions: wss:// for the bridge, https:// to poll",
      v.nullable(url(syncUrlSchemes, acceptedSyncUrl)),
    ),
    null,
  ),
  decisionPath: v.optional(
    described("Rule that decides", matching(decisionPathPattern, acceptedDecisionPath)),
    "envoy/authz/allow",
  ),
  syncCa: v.optional(
    described(
      "PEM of the authority that both URLs are verified against; the webhook fills in its own",
      v.nullable(v.string()),
    ),
    null,
  ),
  verification: v.optional(
    described(
      "When set, unsigned bundles are refused; when not, signed ones",
      v.nullable(verification),
    ),
    null,
  ),
});

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const auditDestinations = ["stdout", "file"] as const;
export const unlistedPortsValues = ["deny", "allow"] as const;

const audit = strict({
  enabled: v.optional(described("Write a record of every decision", v.boolean()), true),
  destination: v.optional(
    described("Where the records go", v.picklist(auditDestinations, "stdout or file")),
    "stdout",
  ),
});

const cidrPattern = /^[0-9A-Fa-f.:]+(\/\d{1,3})?$/;
const envNamePattern = /^[A-Za-z_]\w*$/;

/** Variables that the injector writes itself; `extraEnv` may not set them. */
const reservedEnv = new Set<string>(
  Object.values(environment).filter(
    (name) => name !== environment.policySyncClientToken && !name.startsWith("OTEL_"),
  ),
);

const extraEnv = v.array(
  strict({
    name: v.pipe(
      matching(envNamePattern, "a name of letters, digits and _"),
      v.check((name) => !reservedEnv.has(name), "a variable that the injector does not set itself"),
    ),
    value: v.exactOptional(v.string()),
    valueFrom: v.exactOptional(v.record(v.string(), v.unknown())),
  }),
);

export const settingsSchema = strict({
  image: v.optional(
    described(
      `Image of ${containerName.redirect}, ${containerName.loader} and ${containerName.sidecar}; null: bouncer:<version of the injector>`,
      v.nullable(text("an image reference")),
    ),
    null,
  ),
  imagePullPolicy: v.optional(
    described(
      "Pull policy of that image",
      v.picklist(["Always", "IfNotPresent", "Never"], "Always, IfNotPresent or Never"),
    ),
    "IfNotPresent",
  ),
  imagePullSecrets: v.optional(
    described(
      "Names of Secrets added to the pod's imagePullSecrets; they must exist in its namespace",
      v.array(text("the name of a Secret")),
    ),
    [],
  ),
  preset: v.optional(
    described("Size of the sidecar", v.picklist(presetNames, `one of ${presetNames.join(", ")}`)),
    "small",
  ),
  presets: v.optional(described("What the sizes mean", presets), {}),
  nativeSidecar: v.optional(
    described(
      "Run the sidecar as an init container with restartPolicy Always (Kubernetes 1.29 and later); false: as a container, and pods that must finish are denied",
      v.boolean(),
    ),
    true,
  ),
  allowOptOut: v.optional(
    described("Pods may opt out, and may weaken their own enforcement by annotation", v.boolean()),
    true,
  ),
  unlistedPorts: v.optional(
    described(
      "Inbound TCP to ports that no container declares",
      v.picklist(unlistedPortsValues, "deny or allow"),
    ),
    "deny",
  ),
  ignoredNamespaces: v.optional(
    described(
      "Namespaces that are never injected, besides kube-* and the injector's own",
      v.array(text("the name of a namespace")),
    ),
    [],
  ),
  policy: v.optional(described("Where policy comes from", policy), {}),
  cacheTtl: v.optional(
    described("Seconds a decision may be reused; 0 switches the cache off", wholeNumber(0, 86_400)),
    5,
  ),
  drainDelaySeconds: v.optional(
    described(
      "Seconds of serving, from when the pod begins to end, before connections are closed",
      wholeNumber(0, 600),
    ),
    5,
  ),
  logLevel: v.optional(
    described("Log level", v.picklist(logLevels, `one of ${logLevels.join(", ")}`)),
    "info",
  ),
  logFormat: v.optional(
    described("Log format", v.picklist(["json", "text"], "json or text")),
    "json",
  ),
  audit: v.optional(described("Audit records", audit), {}),
  trustedProxies: v.optional(
    described(
      "Addresses and CIDRs whose X-Forwarded-* headers are believed",
      v.array(matching(cidrPattern, `an address or a CIDR such as "10.0.0.0/8"`)),
    ),
    [],
  ),
  extraEnv: v.optional(
    described("More environment of policy-loader and bouncer-sidecar, as in a container", extraEnv),
    [],
  ),
});

export type Settings = v.InferOutput<typeof settingsSchema>;

export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `value` is the parsed file; an empty file is all defaults. */
export function parseSettings(value: unknown): ParsedSettings {
  const result = v.safeParse(settingsSchema, value ?? {});
  if (result.success) return { ok: true, settings: result.output };
  return { ok: false, problems: result.issues.map(problemOf) };
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => String(item.key)) ?? [];
  const unknownKey = issue.expected === "never";
  const path = (unknownKey ? keys.slice(0, -1) : keys).join(".");
  const field = path === "" ? "the file" : path;
  if (unknownKey) return `${field}: ${issue.message}`;
  if (issue.received === "undefined") return `${field}: missing`;
  return `${field}: ${JSON.stringify(issue.input)} is not ${issue.message}`;
}
