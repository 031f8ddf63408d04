/**
 * Every annotation that people write, one row each: how its value is read, where it may stand, and
 * what docs/reference/annotations.md says about it. Pure.
 */
import * as v from "valibot";
import { injectKey } from "../admission/facts.ts";
import { extraEnvSchema } from "../settings/extra-env.ts";
import {
  acceptedBundleUrl,
  acceptedCidr,
  acceptedCpu,
  acceptedDecisionPath,
  acceptedImage,
  acceptedMask,
  acceptedMemory,
  acceptedRoute,
  acceptedSyncUrl,
  acceptedThreads,
  acceptedVia,
  auditDestinations,
  auditModes,
  cpuPattern,
  decisionPathPattern,
  imagePattern,
  isBundleUrl,
  isCidr,
  isMask,
  isRoute,
  isUrl,
  logLevels,
  longLivedStreamsValues,
  maxThreads,
  memoryPattern,
  modes,
  nativeSidecarValues,
  presetNames,
  syncUrlSchemes,
  unlistedPortsValues,
  viaPattern,
} from "../settings/value.ts";
import { listOf, ports, protocols } from "./port-list.ts";

export const prefix = "bouncer.dev/";

/** Written by the injector, never by people; see inject/status.ts. */
export const statusKey = `${prefix}status`;

export interface Row<Value> {
  readonly name: string;
  readonly onNamespace: boolean;
  readonly onPod: boolean;
  /** It can switch enforcement off, so on a pod it needs the operator's `allowedPodAnnotations`. */
  readonly weakens: boolean;
  /** Completes "is not ...". */
  readonly accepted: string;
  /** What holds without it, for the reference. */
  readonly fallback: string;
  readonly doc: string;
  /** undefined: not accepted. */
  readonly parse: (text: string) => Value | undefined;
}

type Described<Value> = Pick<Row<Value>, "accepted" | "fallback" | "doc" | "parse"> &
  Partial<Pick<Row<Value>, "onNamespace" | "onPod" | "weakens">>;

const row = <Value>(name: string, described: Described<Value>): Row<Value> => ({
  name: `${prefix}${name}`,
  onNamespace: true,
  onPod: true,
  weakens: false,
  ...described,
});

const oneOf = <const Value extends string>(values: readonly Value[]) => ({
  accepted: `one of ${values.join(", ")}`,
  parse: (text: string) => values.find((value) => value === text),
});

const matching = (pattern: RegExp, accepted: string) => ({
  accepted,
  parse: (text: string) => (pattern.test(text) ? text : undefined),
});

const urlOf = (schemes: readonly string[], accepted: string) => ({
  accepted,
  parse: (text: string) => (isUrl(text, schemes) ? text : undefined),
});

const seconds = (most: number) => ({
  accepted: `a whole number of seconds from 0 to ${most}`,
  parse: (text: string) =>
    /^\d{1,6}$/.test(text) && Number(text) <= most ? Number(text) : undefined,
});

const textsOf = (accepted: string, isValid: (text: string) => boolean) => ({
  accepted: `a comma-separated list, each ${accepted}`,
  parse: listOf((text) => (isValid(text) ? text : undefined)),
});

/** RFC 1123 subdomain, as Kubernetes has it. */
const secretPattern =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function parseThreads(text: string): "auto" | number | undefined {
  if (text === "auto") return text;
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= maxThreads ? count : undefined;
}

const jsonEnvironment = v.pipe(v.string(), v.parseJson(), extraEnvSchema);

function parseEnvironment(text: string): v.InferOutput<typeof extraEnvSchema> | undefined {
  const parsed = v.safeParse(jsonEnvironment, text);
  return parsed.success ? parsed.output : undefined;
}

const hostSchema = v.union([
  v.pipe(v.string(), v.ip()),
  v.pipe(v.string(), v.maxLength(253), v.regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/)),
]);

const resourceDoc = (what: string) =>
  `${what} of the added containers, instead of the preset's. A request above the preset's limit raises the limit, a limit below its request lowers the request.`;

export const table = {
  inject: {
    ...row("inject", {
      ...oneOf(["true", "false"]),
      onNamespace: false,
      fallback: "`true`",
      doc: "`false` leaves the pod without a bouncer, if the operator allows that. May be written as a label as well; only the label works while the webhook is down on clusters without `matchConditions`. Any other value injects, with a warning.",
    }),
    name: injectKey,
  },
  mode: row("mode", {
    ...oneOf(modes),
    weakens: true,
    fallback: "`mode` of the settings",
    doc: "How requests get to the bouncer. `redirect`: by netfilter rules in the pod, which need NET_ADMIN. `service`: the Services that select the pod name the bouncer's port; the application's own port stays reachable for whoever knows the pod's address. `auto`: `redirect`, but `service` where the namespace's Pod Security level or a virtual node forbids NET_ADMIN.",
  }),
  nativeSidecar: row("native-sidecar", {
    ...oneOf(nativeSidecarValues),
    fallback: "`nativeSidecar` of the settings",
    doc: "`true`: the sidecar is an init container with `restartPolicy: Always`. `false`: it is a container, which starts before the application; pods that must finish are denied. `auto`: the first where the API server and every kubelet are 1.29 or later.",
  }),
  preset: row("preset", {
    ...oneOf(presetNames),
    fallback: "`preset` of the settings",
    doc: "Size of the added containers. The two steps before the application may use 500m CPU at any size, so that pods start sooner.",
  }),
  cpuRequest: row("cpu-request", {
    ...matching(cpuPattern, acceptedCpu),
    fallback: "the preset's",
    doc: resourceDoc("CPU request"),
  }),
  cpuLimit: row("cpu-limit", {
    ...matching(cpuPattern, acceptedCpu),
    fallback: "the preset's",
    doc: resourceDoc("CPU limit"),
  }),
  memoryRequest: row("memory-request", {
    ...matching(memoryPattern, acceptedMemory),
    fallback: "the preset's",
    doc: resourceDoc("Memory request"),
  }),
  memoryLimit: row("memory-limit", {
    ...matching(memoryPattern, acceptedMemory),
    fallback: "the preset's",
    doc: resourceDoc("Memory limit"),
  }),
  appPorts: row("app-ports", {
    ...ports,
    fallback: "every TCP `containerPort`, the ports of probes and hooks, and `prometheus.io/port`",
    doc: "The ports of the application that the bouncer stands in front of. Inbound TCP to all others is subject to `bouncer.dev/unlisted-ports`.",
  }),
  unlistedPorts: row("unlisted-ports", {
    ...oneOf(unlistedPortsValues),
    onPod: false,
    fallback: "`unlistedPorts` of the settings",
    doc: "Inbound TCP to ports that are not app ports: `deny` refuses it, `allow` lets it through undecided.",
  }),
  excludedPorts: row("excluded-ports", {
    ...ports,
    weakens: true,
    fallback: "`excludedPorts` of the settings",
    doc: "Ports that are let through undecided and unrecorded. They are no app ports. In redirect mode only: in service mode the bouncer stands in front of what Services send to it.",
  }),
  excludedSources: row("excluded-source-cidrs", {
    ...textsOf(acceptedCidr, isCidr),
    weakens: true,
    fallback: "`excludedSourceCidrs` of the settings",
    doc: "Clients that are let through undecided and unrecorded, by the address that the pod sees. In redirect mode only.",
  }),
  opaquePorts: row("opaque-ports", {
    ...ports,
    weakens: true,
    fallback: "none",
    doc: "App ports whose protocol is not HTTP: decided once for each connection, by its addresses (and the server name of TLS), then passed on as they are.",
  }),
  appProtocols: row("app-protocols", {
    ...protocols,
    fallback: "`appProtocol` of a Service that selects the pod, else what the client speaks",
    doc: "What the application speaks on its app ports: `http1`, or `h2c`, HTTP/2 without TLS and with prior knowledge, as gRPC needs it. `auto`: what the client speaks, whatever a Service says.",
  }),
  tlsSecret: row("tls-secret", {
    ...matching(secretPattern, `the name of a Secret, such as "orders-tls"`),
    fallback: "clients speak without TLS",
    doc: "A Secret of type kubernetes.io/tls in the pod's namespace. The bouncer shows its certificate to clients, which speak TLS then; the application gets their requests without. Without the Secret, or its `tls.crt` and `tls.key`, the pod does not start. A renewed certificate is used without a restart.",
  }),
  tlsPorts: row("tls-ports", {
    ...ports,
    fallback: "with `bouncer.dev/tls-secret` every app port that is not opaque",
    doc: "App ports whose clients speak TLS to the bouncer.",
  }),
  via: row("via", {
    ...matching(viaPattern, acceptedVia),
    fallback: "`via` of the settings",
    doc: "What `Via` calls the bouncer in the requests that it passes on. `none`: no `Via` is added; some applications compress nothing for clients behind proxies.",
  }),
  longLivedStreams: row("long-lived-streams", {
    ...oneOf(longLivedStreamsValues),
    weakens: true,
    fallback: "`longLivedStreams` of the settings",
    doc: "What becomes of upgraded and opaque connections, and of answers that have begun, when the policy changes. `recheck`: each is decided again by the new policy, and cut off where that refuses it. `close`: all are cut off. `keep`: they go on.",
  }),
  threads: row("threads", {
    accepted: acceptedThreads,
    parse: parseThreads,
    fallback: "`threads` of the settings",
    doc: "How many threads carry requests, each with a policy and a cache of its own. `auto`: one for each whole CPU of the sidecar's limit.",
  }),
  bundleUrl: row("bundle-url", {
    accepted: acceptedBundleUrl,
    parse: (text) => (isBundleUrl(text) ? text : undefined),
    weakens: true,
    fallback: "`policy.bundleUrl` of the settings",
    doc: "Bundle that is fetched before the pod starts; of several, all are enforced together. Only hosts of the settings' own URLs are shown the pod's token and the operator's credentials, and verified by `policy.syncCa`; others need a certificate of a public authority. When one of the URLs is elsewhere, that holds for all.",
  }),
  syncUrl: row("policy-sync-url", {
    ...urlOf(syncUrlSchemes, acceptedSyncUrl),
    weakens: true,
    fallback:
      "`policy.syncUrl` of the settings; with a `bouncer.dev/bundle-url` on another host the first URL of it, polled",
    doc: "Where the running bouncer learns of new revisions: `wss://` is a bridge, `https://` is polled.",
  }),
  decisionPath: row("decision-path", {
    ...matching(decisionPathPattern, acceptedDecisionPath),
    weakens: true,
    fallback: "`policy.decisionPath` of the settings",
    doc: "The rule that decides.",
  }),
  cacheTtl: row("cache-ttl", {
    ...seconds(86_400),
    fallback: "`cacheTtl` of the settings",
    doc: "How long a decision may be given again for the same input and policy; 0 switches the cache off.",
  }),
  logLevel: row("log-level", {
    ...oneOf(logLevels),
    fallback: "`logLevel` of the settings",
    doc: "The least severe messages that the bouncer logs.",
  }),
  degradedRoutes: row("degraded-routes", {
    ...textsOf(acceptedRoute, isRoute),
    weakens: true,
    fallback: "`degradedRoutes` of the settings",
    doc: "Low-risk routes that are let through, and recorded as degraded, while no decision can be had: no policy yet, an evaluation that failed, overload. What the policy has refused stays refused.",
  }),
  shadow: row("shadow", {
    ...oneOf(["true", "false"]),
    weakens: true,
    fallback: "`shadow` of the settings",
    doc: "`true`: each request is decided and recorded, and none is refused by the policy.",
  }),
  audit: row("audit", {
    ...oneOf(["off", ...auditDestinations]),
    weakens: true,
    fallback: "`audit` of the settings",
    doc: "Where the record of each decision goes.",
  }),
  auditMode: row("audit-mode", {
    ...oneOf(auditModes),
    weakens: true,
    fallback: "`audit.mode` of the settings",
    doc: "`availability`: records wait in a bounded queue, and are dropped and counted when it is full. `auditability`: nothing is forwarded before its record is written; when it cannot be, the request is refused.",
  }),
  auditMasks: row("audit-masks", {
    ...textsOf(acceptedMask, isMask),
    weakens: true,
    fallback: "`audit.masks` of the settings",
    doc: "What records do not show, besides credentials. In addition to the settings' own masks.",
  }),
  drainDelay: row("drain-delay", {
    ...seconds(600),
    fallback: "`drainDelaySeconds` of the settings",
    doc: "How long the bouncer goes on serving, at least, from when the pod begins to end. Keep it below `terminationGracePeriodSeconds`.",
  }),
  targetHost: row("target-host", {
    accepted: "an IP address or a host name",
    parse: (text: string) => (v.is(hostSchema, text) ? text : undefined),
    fallback: "the pod's own address",
    doc: "Where the bouncer reaches the application: `127.0.0.1` for an application that listens on loopback only.",
  }),
  image: row("image", {
    ...matching(imagePattern, acceptedImage),
    weakens: true,
    fallback: "`image` of the settings",
    doc: "Image of the added containers.",
  }),
  extraEnv: row("extra-env", {
    accepted: `a JSON list of variables as in a container, such as [{"name":"OTEL_ENABLED","value":"true"}], without those that the injector sets itself`,
    parse: parseEnvironment,
    weakens: true,
    fallback: "`extraEnv` of the settings",
    doc: "More environment of policy-loader and bouncer-sidecar. Replaces variables of the same name of the settings' `extraEnv`, `policy.evaluation`, `policy.decisionTimeoutMs` and `policy.http`.",
  }),
} as const;

export const rows: readonly Row<unknown>[] = Object.values(table);
