/**
 * From the operator's settings and the annotations of namespace and pod to the options of one pod:
 * pod over namespace over settings. Finds every problem; what it cannot accept, it never guesses.
 * Pure.
 */
import { warn } from "../admission/reasons.ts";
import type { Warning } from "../inject/injection.ts";
import type { StringMap } from "../inject/kubernetes.ts";
import { isCredential } from "../settings/extra-env.ts";
import { parsePortRange, type PresetName, splitUrls } from "../settings/value.ts";
import type { Settings } from "../settings.ts";
import { findNearest } from "./nearest.ts";
import type { PortItem, ProtocolItem } from "./port-list.ts";
import { prefix, type Row, rows, statusKey, table } from "./table.ts";

/** What is chosen for one pod. */
export interface Options {
  /** As asked; what becomes of `auto` is decided in admission/. */
  readonly mode: Settings["mode"];
  readonly nativeSidecar: Settings["nativeSidecar"];
  /** null: the settings'. */
  readonly image: string | null;
  readonly preset: PresetName;
  /** null: the preset's. */
  readonly cpuRequest: string | null;
  readonly cpuLimit: string | null;
  readonly memoryRequest: string | null;
  readonly memoryLimit: string | null;
  /** null: those that the pod declares. */
  readonly appPorts: readonly PortItem[] | null;
  readonly unlistedPorts: Settings["unlistedPorts"];
  readonly excludedPorts: readonly PortItem[];
  readonly excludedSources: readonly string[];
  readonly opaquePorts: readonly PortItem[];
  /** What they say goes before Services. */
  readonly appProtocols: readonly ProtocolItem[];
  /** null: clients speak without TLS. */
  readonly tlsSecret: string | null;
  /** null: every app port that is not opaque, where there is a Secret. */
  readonly tlsPorts: readonly PortItem[] | null;
  readonly via: string;
  readonly longLivedStreams: Settings["longLivedStreams"];
  readonly threads: Settings["threads"];
  /** One, or several with commas between them. */
  readonly bundleUrl: string | null;
  readonly syncUrl: string | null;
  /**
   * Policy comes from hosts that the operator configured. Only these are shown the pod's token, and
   * only these are verified by the operator's authority.
   */
  readonly operatorsHosts: boolean;
  readonly decisionPath: string;
  readonly cacheTtl: number;
  readonly degradedRoutes: readonly string[];
  readonly shadow: boolean;
  readonly logLevel: Settings["logLevel"];
  readonly audit: Settings["audit"];
  readonly drainDelaySeconds: number;
  /** null: the pod's own address. */
  readonly targetHost: string | null;
  readonly extraEnv: Settings["extraEnv"];
}

export interface AnnotationSources {
  readonly namespace: StringMap;
  readonly pod: StringMap;
}

export interface ParsedAnnotations {
  readonly options: Options;
  readonly problems: readonly string[];
  readonly warnings: readonly Warning[];
}

export function parseAnnotations(
  sources: AnnotationSources,
  settings: Settings,
): ParsedAnnotations {
  const problems: string[] = [];

  function read<Value>(row: Row<Value>, where: keyof AnnotationSources): Value | undefined {
    const text = sources[where][row.name];
    if (text === undefined) return undefined;
    const value = row.parse(text);
    if (value === undefined) {
      problems.push(
        `annotation ${row.name} of the ${where}: "${shorten(text)}" is not ${row.accepted}`,
      );
    }
    return value;
  }

  function readPod<Value>(row: Row<Value>): Value | undefined {
    const value = read(row, "pod");
    if (value === undefined) return undefined;
    const why = whyRefused(row, settings);
    if (why !== null) problems.push(`annotation ${row.name} of the pod: ${why}`);
    return value;
  }

  function choose<Value>(row: Row<Value>, fallback: Value): Value {
    const fromNamespace = row.onNamespace ? read(row, "namespace") : undefined;
    return readPod(row) ?? fromNamespace ?? fallback;
  }

  const located = locatePolicy(
    choose<string | null>(table.bundleUrl, null),
    choose<string | null>(table.syncUrl, null),
    settings.policy,
  );
  const orNull = <Value>(row: Row<Value>): Value | null => choose<Value | null>(row, null);

  const options: Options = {
    mode: choose(table.mode, settings.mode),
    nativeSidecar: nativeOf(orNull(table.nativeSidecar), settings),
    image: orNull(table.image),
    preset: choose(table.preset, settings.preset),
    cpuRequest: orNull(table.cpuRequest),
    cpuLimit: orNull(table.cpuLimit),
    memoryRequest: orNull(table.memoryRequest),
    memoryLimit: orNull(table.memoryLimit),
    appPorts: orNull(table.appPorts),
    unlistedPorts: choose(table.unlistedPorts, settings.unlistedPorts),
    excludedPorts: choose(table.excludedPorts, settings.excludedPorts.flatMap(rangeOf)),
    excludedSources: choose(table.excludedSources, settings.excludedSourceCidrs),
    opaquePorts: choose(table.opaquePorts, []),
    appProtocols: choose(table.appProtocols, []),
    tlsSecret: orNull(table.tlsSecret),
    tlsPorts: orNull(table.tlsPorts),
    via: choose(table.via, settings.via),
    longLivedStreams: choose(table.longLivedStreams, settings.longLivedStreams),
    threads: choose(table.threads, settings.threads),
    ...located,
    decisionPath: choose(table.decisionPath, settings.policy.decisionPath),
    cacheTtl: choose(table.cacheTtl, settings.cacheTtl),
    degradedRoutes: choose(table.degradedRoutes, settings.degradedRoutes),
    shadow: choose(table.shadow, settings.shadow ? "true" : "false") === "true",
    logLevel: choose(table.logLevel, settings.logLevel),
    audit: {
      ...auditOf(orNull(table.audit), settings),
      mode: choose(table.auditMode, settings.audit.mode),
      masks: [...new Set([...settings.audit.masks, ...choose(table.auditMasks, [])])],
    },
    drainDelaySeconds: choose(table.drainDelay, settings.drainDelaySeconds),
    targetHost: orNull(table.targetHost),
    extraEnv: mergeEnvironment(
      settings.extraEnv.filter(({ name }) => located.operatorsHosts || !isCredential(name)),
      choose(table.extraEnv, []),
    ),
  };
  // Of the pod's own: what its namespace names is for those of its pods that have a Secret.
  if (sources.pod[table.tlsPorts.name] !== undefined && options.tlsSecret === null) {
    problems.push(
      `annotation ${table.tlsPorts.name} of the pod: there is no certificate; accepted is what comes with ${table.tlsSecret.name}`,
    );
  }
  const { enabled, mode } = options.audit;
  if (!enabled && mode === "auditability") {
    problems.push(`annotation ${table.audit.name}: "off" contradicts the audit mode auditability`);
  }
  const warnings = [
    ...findUnknown(sources.namespace, "namespace"),
    ...findUnknown(sources.pod, "pod"),
  ];
  return { options, problems, warnings };
}

/** Annotations may be as long as a quarter of a MiB; messages may not. */
const shorten = (text: string) => (text.length > 200 ? `${text.slice(0, 199)}…` : text);

/** Completes "annotation x of the pod: ..."; null when the pod may have it. */
function whyRefused(row: Row<unknown>, { allowedPodAnnotations }: Settings): string | null {
  if (!row.onPod) return "it is accepted on the namespace only";
  const short = row.name.slice(prefix.length);
  const isAllowed = allowedPodAnnotations.some((name) => name === short);
  return row.weakens && !isAllowed
    ? `it is accepted on the namespace only, as the operator does not list "${short}" in allowedPodAnnotations`
    : null;
}

function nativeOf(value: "auto" | "true" | "false" | null, settings: Settings) {
  if (value === null) return settings.nativeSidecar;
  return value === "auto" ? value : value === "true";
}

function rangeOf(text: string): PortItem[] {
  const range = parsePortRange(text);
  return range === undefined ? [] : [{ kind: "range", ...range }];
}

/**
 * Bundles from elsewhere are polled there: the operator's bridge knows nothing of them. One that
 * is, and all are: token and authority are for every server of policy.
 */
function locatePolicy(
  chosenBundle: string | null,
  chosenSync: string | null,
  policy: Settings["policy"],
): Pick<Options, "bundleUrl" | "syncUrl" | "operatorsHosts"> {
  const bundleUrl = chosenBundle ?? policy.bundleUrl;
  const ownHosts = [...hostsOf(policy.bundleUrl), ...hostsOf(policy.syncUrl)];
  const isOwn = (urls: string | null) => hostsOf(urls).every((host) => ownHosts.includes(host));
  // What is polled is the first bundle; the others are polled where they are.
  const [first = null] = bundleUrl === null ? [] : splitUrls(bundleUrl);
  const syncUrl = chosenSync ?? (isOwn(bundleUrl) ? policy.syncUrl : first);
  return { bundleUrl, syncUrl, operatorsHosts: isOwn(bundleUrl) && isOwn(syncUrl) };
}

const hostsOf = (urls: string | null) =>
  urls === null ? [] : splitUrls(urls).map((url) => URL.parse(url)?.host);

function auditOf(
  value: "off" | Settings["audit"]["destination"] | null,
  { audit: { enabled, destination } }: Settings,
): Pick<Settings["audit"], "enabled" | "destination"> {
  if (value === null) return { enabled, destination };
  return value === "off" ? { enabled: false, destination } : { enabled: true, destination: value };
}

function mergeEnvironment(
  operators: Settings["extraEnv"],
  chosen: Settings["extraEnv"],
): Settings["extraEnv"] {
  const replaced = new Set(chosen.map(({ name }) => name));
  return [...operators.filter(({ name }) => !replaced.has(name)), ...chosen];
}

function findUnknown(annotations: StringMap, where: keyof AnnotationSources): Warning[] {
  const isKnownHere = (name: string) =>
    rows.some((row) => row.name === name && (where === "pod" || row.onNamespace));
  return Object.keys(annotations)
    .filter((name) => name.startsWith(prefix) && name !== statusKey && !isKnownHere(name))
    .map((name) => {
      const nearest = findNearest(
        name,
        rows.map((row) => row.name),
      );
      const hint = nearest === name ? "is for pods only" : `did you mean ${nearest}?`;
      return warn("unknown_annotation", `annotation ${name} of the ${where} (${hint})`);
    });
}
