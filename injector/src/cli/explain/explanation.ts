/**
 * The answer to «is this pod injected, and why not?»: what the API server does for every
 * installation, what the one in charge decides, and the first thing that stops the pod. Pure.
 */
import { namespaceLabel, revisionLabel } from "../../admission/facts.ts";
import type { ClusterFacts, Injection, Warning } from "../../inject/injection.ts";
import { unknownCluster } from "../../inject/injection.ts";
import { checkPod, type StringMap } from "../../inject/kubernetes.ts";
import type { Settings } from "../../settings.ts";
import type { Installation } from "../installation.ts";
import { replayDecision } from "./decision.ts";
import { find, type Finding } from "./findings.ts";
import { type Matched, replayMatching, type Step, summarize } from "./matching.ts";
import { describeRunning, findCause, type Running } from "./running.ts";

export interface Target {
  /** `deployment/web`. */
  readonly title: string;
  readonly namespace: string;
  /** The pod itself, or the template of a workload. */
  readonly pod: unknown;
  /** Of a pod that exists; null for templates and files. */
  readonly running: { readonly createdAt: number | null } | null;
}

export interface NamespaceFacts {
  readonly exists: boolean;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  /** When the labels that select were last written; null: not known. */
  readonly labelledAt: number | null;
}

export interface World {
  readonly installations: readonly Installation[];
  readonly namespace: NamespaceFacts;
  readonly cluster: ClusterFacts;
}

export interface ExplainedInstallation {
  readonly namespace: string;
  readonly name: string;
  readonly revision: string | null;
  readonly version: string | null;
  /** Whether the API server sends the pod there. */
  readonly matched: Matched;
  readonly steps: readonly Step[];
}

export interface Explanation extends Finding {
  readonly object: string;
  readonly namespace: string;
  readonly verdict: "injected" | "not_injected" | "denied" | "unknown";
  readonly problems: readonly string[];
  readonly warnings: readonly Warning[];
  readonly installations: readonly ExplainedInstallation[];
  readonly running: Running | null;
  readonly notes: readonly string[];
}

/** One installation, and what it would do. */
interface Replayed {
  readonly installation: Installation;
  readonly explained: ExplainedInstallation;
  /** Null: its settings are not known. */
  readonly injection: Injection | null;
}

type Outcome = Pick<Explanation, "verdict"> & { readonly code: Finding["code"] };

export function explain(target: Target, world: World): Explanation {
  const replayed = world.installations.map((one) => replay(target, world, one));
  const principal = findPrincipal(replayed, world.namespace.labels);
  const injection = principal?.injection ?? null;
  const matched = principal?.explained.matched ?? "no";
  const running = target.running === null ? null : describeRunning(target.pod, injection, matched);
  const wanted: Outcome =
    principal === undefined
      ? { verdict: "not_injected", code: "no_installation" }
      : judge(matched, injection);
  const outcome = adapt(wanted, running, { target, world, principal });
  return {
    object: target.title,
    namespace: target.namespace,
    verdict: outcome.verdict,
    ...find(outcome.code, target.namespace),
    problems: injection?.kind === "deny" ? injection.problems : [],
    warnings: injection?.kind === "inject" ? injection.warnings : [],
    installations: replayed.map(({ explained }) => explained),
    running,
    notes: [...takeNotes(replayed, target, world)],
  };
}

function replay(target: Target, world: World, installation: Installation): Replayed {
  const { namespace, name, revision, version, settings, webhook } = installation;
  const checked = checkPod(target.pod);
  const labels = (checked.ok ? checked.pod.metadata?.labels : null) ?? {};
  const matching = replayMatching(webhook, {
    pod: target.pod,
    labels,
    namespace: target.namespace,
    namespaceLabels: world.namespace.labels,
  });
  const decision =
    settings === null
      ? null
      : replayDecision(target.pod, {
          settings,
          namespace: { ...world.namespace, name: target.namespace },
          cluster: world.cluster,
          injectorNamespace: namespace,
          adminToken: "",
          version: version ?? "",
        });
  const steps = [...matching, ...(decision?.steps ?? [])];
  const matched = summarize(matching);
  return {
    installation,
    explained: { namespace, name, revision, version, matched, steps },
    injection: decision?.injection ?? null,
  };
}

/** The one that the pod is sent to; else the one that is in charge of the namespace by its label. */
function findPrincipal(replayed: readonly Replayed[], labels: StringMap): Replayed | undefined {
  const revision = labels[revisionLabel] ?? "";
  return (
    replayed.find(({ explained }) => explained.matched === "yes") ??
    replayed.find(({ explained }) => explained.matched === "unknown") ??
    replayed.find(({ installation }) => installation.revision === revision) ??
    replayed.find(({ installation }) => installation.revision === "") ??
    replayed[0]
  );
}

function judge(matched: Matched, injection: Injection | null): Outcome {
  // The API server would refuse it before it asks anybody.
  if (injection?.reason === "invalid_pod") return { verdict: "denied", code: "invalid_pod" };
  if (injection?.kind === "skip") return { verdict: "not_injected", code: injection.reason };
  if (matched === "no") return { verdict: "not_injected", code: "not_sent" };
  if (matched === "unknown") return { verdict: "unknown", code: "condition_unknown" };
  return injection === null
    ? { verdict: "unknown", code: "settings_unreadable" }
    : judgeInjection(injection);
}

function judgeInjection({ kind, reason }: Injection): Outcome {
  const verdict = { inject: "injected", skip: "not_injected", deny: "denied" } as const;
  return { verdict: verdict[kind], code: reason };
}

interface Situation {
  readonly target: Target;
  readonly world: World;
  readonly principal: Replayed | undefined;
}

/** Of a pod that exists, what it carries counts, whatever would be decided now. */
function adapt(outcome: Outcome, running: Running | null, situation: Situation): Outcome {
  const { target, world, principal } = situation;
  if (target.running === null || running === null) return outcome;
  if (running.hasBouncer) return { verdict: "injected", code: "carries_bouncer" };
  if (outcome.verdict !== "injected" || principal === undefined) return outcome;
  const { configuration, webhook } = principal.installation;
  const { failurePolicy } = webhook;
  const { labelledAt } = world.namespace;
  const code = findCause({ ...target.running, configuration, failurePolicy, labelledAt });
  return { verdict: "not_injected", code };
}

function takeNotes(replayed: readonly Replayed[], target: Target, world: World): string[] {
  const receiving = replayed.filter(({ explained }) => explained.matched !== "no");
  const names = receiving.map(({ installation }) => titleOf(installation));
  return [
    ...(world.namespace.exists ? [] : [`namespace "${target.namespace}" does not exist`]),
    ...(names.length > 1
      ? [`${names.length} webhooks match this pod: ${names.join(", ")}; accepted is one`]
      : []),
    ...replayed.flatMap(({ installation }) => installation.problems),
  ];
}

export const titleOf = ({ namespace, name }: Pick<Installation, "namespace" | "name">): string =>
  `${namespace}/${name}`;

export interface Offline {
  readonly settings: Settings;
  readonly version: string;
  /** Why no cluster was asked. */
  readonly because: string;
}

/** Without a cluster: only our own decision, in a namespace that counts as labelled. */
export function explainOffline(
  target: Target,
  { settings, version, because }: Offline,
): Explanation {
  const labels = {
    [namespaceLabel.name]: namespaceLabel.value,
    ...(settings.revision !== "" && { [revisionLabel]: settings.revision }),
  };
  const { steps, injection } = replayDecision(target.pod, {
    settings,
    namespace: { name: target.namespace, labels, annotations: {} },
    cluster: unknownCluster,
    injectorNamespace: null,
    adminToken: "",
    version,
  });
  const { revision } = settings;
  const outcome = judgeInjection(injection);
  return {
    object: target.title,
    namespace: target.namespace,
    verdict: outcome.verdict,
    ...find(outcome.code, target.namespace),
    problems: injection.kind === "deny" ? injection.problems : [],
    warnings: injection.kind === "inject" ? injection.warnings : [],
    installations: [
      { namespace: "", name: "without a cluster", revision, version, matched: "unknown", steps },
    ],
    running: null,
    notes: [
      `no cluster was asked (${because}): what the API server sends to the injector is not known, and the namespace counts as labelled`,
    ],
  };
}
