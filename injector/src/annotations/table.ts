/**
 * Every annotation that people write, one row each: how its value is read, where it may stand, and
 * what docs/reference/annotations.md says about it. Pure.
 */
import * as v from "valibot";
import { injectKey } from "../admission/facts.ts";
import {
  acceptedBundleUrl,
  acceptedCpu,
  acceptedDecisionPath,
  acceptedMemory,
  acceptedSyncUrl,
  auditDestinations,
  bundleUrlSchemes,
  cpuPattern,
  decisionPathPattern,
  isUrl,
  logLevels,
  memoryPattern,
  presetNames,
  syncUrlSchemes,
  unlistedPortsValues,
} from "../settings.ts";

export const prefix = "bouncer.dev/";

/** Written by the injector, never by people; see inject/status.ts. */
export const statusKey = `${prefix}status`;

export interface Row<Value> {
  readonly name: string;
  readonly onNamespace: boolean;
  readonly onPod: boolean;
  /** It can switch enforcement off, so on a pod it needs the operator's `allowOptOut`. */
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

/** An item of `app-ports`: a range, or the name of a declared port. */
export type PortItem =
  | { readonly kind: "range"; readonly first: number; readonly last: number }
  | { readonly kind: "name"; readonly name: string };

function parsePortItem(text: string): PortItem | undefined {
  const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (range !== null) {
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    return 1 <= first && first <= last && last <= 65_535
      ? { kind: "range", first, last }
      : undefined;
  }
  return /^(?=.*[a-z])[a-z0-9-]{1,15}$/.test(text) ? { kind: "name", name: text } : undefined;
}

function parsePortItems(text: string): readonly PortItem[] | undefined {
  const items = text.split(",").map((item) => parsePortItem(item.trim()));
  const valid = items.filter((item) => item !== undefined);
  return valid.length === items.length ? valid : undefined;
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
    accepted: `a comma-separated list of ports, ranges and names of declared ports, such as "3000,8000-8010,http"`,
    parse: parsePortItems,
    fallback: "every TCP `containerPort`, the ports of probes and hooks, and `prometheus.io/port`",
    doc: "The ports of the application that the bouncer stands in front of. Inbound TCP to all others is subject to `bouncer.dev/unlisted-ports`.",
  }),
  unlistedPorts: row("unlisted-ports", {
    ...oneOf(unlistedPortsValues),
    onPod: false,
    fallback: "`unlistedPorts` of the settings",
    doc: "Inbound TCP to ports that are not app ports: `deny` refuses it, `allow` lets it through undecided.",
  }),
  bundleUrl: row("bundle-url", {
    ...urlOf(bundleUrlSchemes, acceptedBundleUrl),
    weakens: true,
    fallback: "`policy.bundleUrl` of the settings",
    doc: "Bundle that is fetched before the pod starts. Only hosts of the settings' own URLs are shown the pod's token, and verified by `policy.syncCa`; others need a certificate of a public authority.",
  }),
  syncUrl: row("policy-sync-url", {
    ...urlOf(syncUrlSchemes, acceptedSyncUrl),
    weakens: true,
    fallback:
      "`policy.syncUrl` of the settings; with a `bouncer.dev/bundle-url` on another host that URL, polled",
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
  audit: row("audit", {
    ...oneOf(["off", ...auditDestinations]),
    weakens: true,
    fallback: "`audit` of the settings",
    doc: "Where the record of each decision goes.",
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
} as const;

export const rows: readonly Row<unknown>[] = Object.values(table);
