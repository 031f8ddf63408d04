/**
 * From the operator's settings and the annotations of namespace and pod to the options of one pod:
 * pod over namespace over settings. Finds every problem; what it cannot accept, it never guesses.
 * Pure.
 */
import { warn } from "../admission/reasons.ts";
import type { Warning } from "../inject/injection.ts";
import type { StringMap } from "../inject/kubernetes.ts";
import type { PresetName, Settings } from "../settings.ts";
import { findNearest } from "./nearest.ts";
import { type PortItem, prefix, type Row, rows, statusKey, table } from "./table.ts";

/** What is chosen for one pod. */
export interface Options {
  readonly preset: PresetName;
  /** null: the preset's. */
  readonly cpuRequest: string | null;
  readonly cpuLimit: string | null;
  readonly memoryRequest: string | null;
  readonly memoryLimit: string | null;
  /** null: those that the pod declares. */
  readonly appPorts: readonly PortItem[] | null;
  readonly unlistedPorts: Settings["unlistedPorts"];
  readonly bundleUrl: string | null;
  readonly syncUrl: string | null;
  /**
   * Policy comes from hosts that the operator configured. Only these are shown the pod's token, and
   * only these are verified by the operator's authority.
   */
  readonly operatorsHosts: boolean;
  readonly decisionPath: string;
  readonly cacheTtl: number;
  readonly logLevel: Settings["logLevel"];
  readonly audit: Settings["audit"];
  readonly drainDelaySeconds: number;
  /** null: the pod's own address. */
  readonly targetHost: string | null;
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
      problems.push(`annotation ${row.name} of the ${where}: "${text}" is not ${row.accepted}`);
    }
    return value;
  }

  function readPod<Value>(row: Row<Value>): Value | undefined {
    const value = read(row, "pod");
    if (value === undefined) return undefined;
    if (!row.onPod) {
      problems.push(`annotation ${row.name} of the pod: it is accepted on the namespace only`);
    } else if (row.weakens && !settings.allowOptOut) {
      problems.push(
        `annotation ${row.name} of the pod: the operator accepts it on the namespace only`,
      );
    }
    return value;
  }

  function choose<Value>(row: Row<Value>, fallback: Value): Value {
    const fromNamespace = read(row, "namespace");
    return readPod(row) ?? fromNamespace ?? fallback;
  }

  const orNull = <Value>(row: Row<Value>): Value | null => choose<Value | null>(row, null);

  const audit = orNull(table.audit);
  const options: Options = {
    preset: choose(table.preset, settings.preset),
    cpuRequest: orNull(table.cpuRequest),
    cpuLimit: orNull(table.cpuLimit),
    memoryRequest: orNull(table.memoryRequest),
    memoryLimit: orNull(table.memoryLimit),
    appPorts: orNull(table.appPorts),
    unlistedPorts: choose(table.unlistedPorts, settings.unlistedPorts),
    ...locatePolicy(orNull(table.bundleUrl), orNull(table.syncUrl), settings.policy),
    decisionPath: choose(table.decisionPath, settings.policy.decisionPath),
    cacheTtl: choose(table.cacheTtl, settings.cacheTtl),
    logLevel: choose(table.logLevel, settings.logLevel),
    audit: audit === null ? settings.audit : auditOf(audit, settings),
    drainDelaySeconds: choose(table.drainDelay, settings.drainDelaySeconds),
    targetHost: orNull(table.targetHost),
  };
  const warnings = [
    ...findUnknown(sources.namespace, "namespace"),
    ...findUnknown(sources.pod, "pod"),
  ];
  return { options, problems, warnings };
}

/** A bundle from elsewhere is polled there: the operator's bridge knows nothing of it. */
function locatePolicy(
  chosenBundle: string | null,
  chosenSync: string | null,
  policy: Settings["policy"],
): Pick<Options, "bundleUrl" | "syncUrl" | "operatorsHosts"> {
  const bundleUrl = chosenBundle ?? policy.bundleUrl;
  const ownHosts = [hostOf(policy.bundleUrl), hostOf(policy.syncUrl)];
  const isOwn = (url: string | null) => url === null || ownHosts.includes(hostOf(url));
  const syncUrl = chosenSync ?? (isOwn(bundleUrl) ? policy.syncUrl : bundleUrl);
  return { bundleUrl, syncUrl, operatorsHosts: isOwn(bundleUrl) && isOwn(syncUrl) };
}

const hostOf = (url: string | null) => (url === null ? null : URL.parse(url)?.host);

function auditOf(value: "off" | Settings["audit"]["destination"], settings: Settings) {
  return value === "off"
    ? { ...settings.audit, enabled: false }
    : { enabled: true, destination: value };
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
