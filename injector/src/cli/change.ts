/** What `inject` and `uninject` do to one pod or template of a manifest, and say about it. */
import { namespaceLabel, revisionLabel } from "../admission/facts.ts";
import { isEqual } from "../inject/equal.ts";
import { type Injection, unknownCluster } from "../inject/injection.ts";
import { inject } from "../inject/pod.ts";
import { uninject } from "../inject/uninject.ts";
import type { Settings } from "../settings.ts";
import type { Workload } from "./workloads.ts";

export interface Outcome {
  /** The pod or template as it shall be; null: as it is. */
  readonly changed: unknown;
  /** What was done, and warnings. */
  readonly notes: readonly string[];
  /** Any problem means that nothing is written. */
  readonly problems: readonly string[];
}

export type ChangePod = (pod: unknown, workload: Workload) => Outcome;

const locate = (path: string, problems: readonly string[]) =>
  path === "" ? problems : problems.map((problem) => `${path}: ${problem}`);

/** A workload without a template: the API server would refuse it. */
const missing = (path: string): Outcome => ({
  changed: null,
  notes: [],
  problems: [`${path}: missing`],
});

export interface Injector {
  readonly settings: Settings;
  readonly version: string;
  readonly createAdminToken: () => string;
}

/** The user asks for it, so the namespace counts as labelled; the pod may still opt out. */
export function injectPods({ settings, version, createAdminToken }: Injector): ChangePod {
  const labels = {
    [namespaceLabel.name]: namespaceLabel.value,
    ...(settings.revision !== "" && { [revisionLabel]: settings.revision }),
  };
  return (pod, { namespace, path }) => {
    if (pod === undefined) return missing(path);
    const injection = inject(pod, {
      settings,
      version,
      namespace: { name: namespace ?? "default", labels, annotations: {} },
      injectorNamespace: null,
      // Manifests are for any cluster: the newest Kubernetes, and Services that nobody knows.
      cluster: unknownCluster,
      adminToken: createAdminToken(),
    });
    return describe(injection, pod, path);
  };
}

function describe(injection: Injection, pod: unknown, path: string): Outcome {
  const { kind, reason } = injection;
  if (kind === "deny") {
    const problems = locate(path, injection.problems).map((problem) => `${problem} (${reason})`);
    return { changed: null, notes: [], problems };
  }
  if (kind === "skip") {
    const notes = [`skipped: ${injection.message} (${reason})`];
    return { changed: null, notes, problems: [] };
  }
  const warnings = injection.warnings.map(({ code, message }) => `warning: ${message} (${code})`);
  return isEqual(injection.pod, pod)
    ? { changed: null, notes: ["unchanged, it was injected before", ...warnings], problems: [] }
    : { changed: injection.pod, notes: [reason.replace("_", " "), ...warnings], problems: [] };
}

export const uninjectPods: ChangePod = (pod, { path }) => {
  if (pod === undefined) return missing(path);
  const result = uninject(pod);
  if (result.kind === "failed") {
    return { changed: null, notes: [], problems: locate(path, result.problems) };
  }
  if (result.kind === "unchanged") {
    return { changed: null, notes: ["unchanged, it has no bouncer"], problems: [] };
  }
  return { changed: result.pod, notes: ["uninjected"], problems: [] };
};
