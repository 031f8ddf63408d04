/**
 * The operator's configuration: the content of the file that the chart renders from its values, and
 * that the command line reads with --config. Strict: a key that is not here is refused, and all
 * problems are reported together. Pure; the shell reads the file.
 */
import { containerName } from "bouncer/contract";
import * as v from "valibot";
import { listVariables } from "./settings/evaluation.ts";
import { extraEnvSchema } from "./settings/extra-env.ts";
import { policySchema } from "./settings/policy.ts";
import { described, matching, strict, text, wholeNumber } from "./settings/schema.ts";
import { selectorSchema } from "./settings/selector.ts";
import {
  acceptedCidr,
  acceptedCpu,
  acceptedImage,
  acceptedMask,
  acceptedMemory,
  acceptedRoute,
  acceptedThreads,
  acceptedVia,
  auditDestinations,
  auditModes,
  cpuPattern,
  hostNetworkValues,
  imagePattern,
  isCidr,
  isMask,
  isRoute,
  logLevels,
  longLivedStreamsValues,
  maxThreads,
  memoryPattern,
  modes,
  parsePortRange,
  presetNames,
  unlistedPortsValues,
  viaPattern,
  weakeningAnnotations,
} from "./settings/value.ts";

const cpu = matching(cpuPattern, acceptedCpu);
const memory = matching(memoryPattern, acceptedMemory);

const quantities = strict({ cpu, memory });

const resources = strict({ requests: quantities, limits: quantities });

/** Requests and limits of the sidecar. */
export type Resources = v.InferOutput<typeof resources>;

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

const auditEntries = strict({
  enabled: v.optional(described("Write a record of every decision", v.boolean()), true),
  destination: v.optional(
    described("Where the records go", v.picklist(auditDestinations, "stdout or file")),
    "stdout",
  ),
  mode: v.optional(
    described(
      "availability: records wait in a bounded queue, and are dropped and counted when it is full; auditability: nothing is forwarded before its record is written",
      v.picklist(auditModes, `one of ${auditModes.join(", ")}`),
    ),
    "availability",
  ),
  masks: v.optional(
    described(
      "What records do not show, besides credentials: JSON pointers into the record",
      v.array(v.pipe(v.string(acceptedMask), v.check(isMask, acceptedMask))),
    ),
    [],
  ),
});

const acceptedAudit = "records that are written, where the mode is auditability";
const audit = v.pipe(
  auditEntries,
  v.check(({ enabled, mode }) => enabled || mode !== "auditability", acceptedAudit),
);

const cidr = v.pipe(v.string(acceptedCidr), v.check(isCidr, acceptedCidr));

const acceptedPortRange = `a port or a range such as "8000-8010"`;
const portRange = v.pipe(
  v.union([v.string(), v.number()], acceptedPortRange),
  v.transform(String),
  v.check((value) => parsePortRange(value) !== undefined, acceptedPortRange),
);

const revisionPattern = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const acceptedRevision = "a name of at most 40 lower-case letters, digits and dashes";

const entries = strict({
  image: v.optional(
    described(
      `Image of ${containerName.redirect}, ${containerName.loader} and ${containerName.sidecar}; null: bouncer:<version of the injector>`,
      v.nullable(matching(imagePattern, acceptedImage)),
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
  mode: v.optional(
    described(
      "How requests get to the bouncer: redirect by netfilter in the pod, service by the Services' targetPort; auto: redirect, but service where Pod Security or a virtual node forbids NET_ADMIN",
      v.picklist(modes, `one of ${modes.join(", ")}`),
    ),
    "auto",
  ),
  nativeSidecar: v.optional(
    described(
      "Run the sidecar as an init container with restartPolicy Always; auto: where the API server and every kubelet are 1.29 or later; false: as a container, and pods that must finish are denied",
      v.union([v.boolean(), v.literal("auto")], "auto, true or false"),
    ),
    "auto",
  ),
  revision: v.optional(
    described(
      "Name of this installation beside others: it injects namespaces with the label bouncer.dev/rev of that name; empty: those without that label",
      v.union([v.literal(""), matching(revisionPattern, acceptedRevision)], acceptedRevision),
    ),
    "",
  ),
  allowOptOut: v.optional(described("Pods may opt out by bouncer.dev/inject", v.boolean()), true),
  allowedPodAnnotations: v.optional(
    described(
      "Annotations that could weaken enforcement and that pods may have nevertheless, without bouncer.dev/; namespaces may always",
      v.array(v.picklist(weakeningAnnotations, `one of ${weakeningAnnotations.join(", ")}`)),
    ),
    [],
  ),
  alwaysSelector: v.optional(
    described(
      "Pods that may not opt out: a label selector; null: none",
      v.nullable(selectorSchema),
    ),
    null,
  ),
  neverSelector: v.optional(
    described(
      "Pods that are never injected: a label selector; null: none",
      v.nullable(selectorSchema),
    ),
    null,
  ),
  hostNetwork: v.optional(
    described(
      "Pods on the network of their node, which cannot be redirected: skip or deny",
      v.picklist(hostNetworkValues, "skip or deny"),
    ),
    "skip",
  ),
  unlistedPorts: v.optional(
    described(
      "Inbound TCP to ports that no container declares",
      v.picklist(unlistedPortsValues, "deny or allow"),
    ),
    "deny",
  ),
  excludedPorts: v.optional(
    described("Ports and ranges of pods that are let through undecided", v.array(portRange)),
    [],
  ),
  excludedSourceCidrs: v.optional(
    described("Clients that are let through undecided, in redirect mode", v.array(cidr)),
    [],
  ),
  degradedRoutes: v.optional(
    described(
      "Routes that are let through, and recorded as degraded, while no decision can be had",
      v.array(v.pipe(v.string(acceptedRoute), v.check(isRoute, acceptedRoute))),
    ),
    [],
  ),
  shadow: v.optional(
    described("Decide and record, refuse nothing: for trying a policy out", v.boolean()),
    false,
  ),
  ignoredNamespaces: v.optional(
    described(
      "Namespaces that are never injected, besides kube-* and the injector's own",
      v.array(text("the name of a namespace")),
    ),
    [],
  ),
  policy: v.optional(described("Where policy comes from", policySchema), {}),
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
    described("Addresses and CIDRs whose X-Forwarded-* headers are believed", v.array(cidr)),
    [],
  ),
  via: v.optional(
    described(
      "What Via calls the bouncer in the requests that it passes on; none: no Via is added",
      matching(viaPattern, acceptedVia),
    ),
    "bouncer",
  ),
  longLivedStreams: v.optional(
    described(
      "What becomes of upgraded and opaque connections, and of answers that have begun, when the policy changes: recheck decides them again, close cuts them off, keep lets them go on",
      v.picklist(longLivedStreamsValues, `one of ${longLivedStreamsValues.join(", ")}`),
    ),
    "recheck",
  ),
  threads: v.optional(
    described(
      "Threads of a bouncer that carry requests; auto: one for each whole CPU of its limit",
      v.union([v.literal("auto"), wholeNumber(1, maxThreads)], acceptedThreads),
    ),
    "auto",
  ),
  extraEnv: v.optional(
    described(
      "More environment of policy-loader and bouncer-sidecar, as in a container",
      extraEnvSchema,
    ),
    [],
  ),
});

/** One variable is said in one place: which of two was meant, nobody can know. */
export const settingsSchema = v.pipe(
  entries,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { policy, extraEnv } = dataset.value;
    for (const { name, field } of listVariables(policy)) {
      const twice = extraEnv.findIndex((one) => one.name === name);
      if (twice < 0) continue;
      const path = (key: string | number) =>
        ({ type: "unknown", origin: "value", input: extraEnv, key, value: name }) as const;
      addIssue({
        message: `a variable that ${field} does not set as well`,
        input: name,
        path: [path("extraEnv"), path(twice), path("name")],
      });
    }
  }),
);

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

/** Where a shared secret may be, also when it is in the wrong place: logs do not show it. */
const secretPattern = /^policy\.verification(?:\.keys?(?:\.\d+(?:\.key)?)?)?$/;

function problemOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => String(item.key)) ?? [];
  const unknownKey = issue.expected === "never";
  const path = (unknownKey ? keys.slice(0, -1) : keys).join(".");
  const field = path === "" ? "the file" : path;
  if (unknownKey) return `${field}: ${issue.message}`;
  if (issue.received === "undefined") return `${field}: missing`;
  if (secretPattern.test(path)) return `${field}: not ${issue.message}`;
  return `${field}: ${JSON.stringify(issue.input)} is not ${issue.message}`;
}
