/** What the decision looks at, gathered from the pod, its namespace and the cluster. Pure. */
import type { ParsedAnnotations } from "../annotations/parse.ts";
import type { InjectionContext } from "../inject/injection.ts";
import type { Pod, StringMap } from "../inject/kubernetes.ts";
import { matches, type Selector } from "../settings/selector.ts";
import { prefersNative } from "./native.ts";

/** Label of a namespace whose pods are injected, and its one value. */
export const namespaceLabel = { name: "bouncer-injection", value: "enabled" } as const;

/** Label of a namespace that names the installation in charge of it; without: the one without a name. */
export const revisionLabel = "bouncer.dev/rev";

/** Label or annotation of a pod by which it opts out. */
export const injectKey = "bouncer.dev/inject";

const podSecurityLabel = "pod-security.kubernetes.io/enforce";

const flag = [false, true] as const;
const wish = ["absent", "true", "false", "other"] as const;

/**
 * All that is decided by, and every value it can have: the truth table in
 * docs/reference/selection.md ranges over these.
 */
export const domain = {
  namespace: ["ignored", "injector", "unlabelled", "other_revision", "labelled"],
  /** `bouncer.dev/inject` as a label, and as an annotation. */
  label: wish,
  annotation: wish,
  optOutAllowed: flag,
  alwaysSelected: flag,
  neverSelected: flag,
  hostNetwork: flag,
  hostNetworkPods: ["skip", "deny"],
  os: ["linux", "windows"],
  /** Virtual: of a provider without nodes of its own, where no pod may have NET_ADMIN. */
  node: ["ordinary", "virtual"],
  /** Baseline and restricted forbid NET_ADMIN. */
  podSecurity: ["privileged", "baseline", "restricted"],
  mode: ["auto", "redirect", "service"],
  /** Whether every annotation could be read. */
  annotations: ["accepted", "refused"],
  sidecar: ["native", "classic"],
  /** The pod ends by itself, as those of Jobs do. */
  owner: ["finishes", "goes_on"],
  injected: flag,
} as const;

export const dimensions = Object.keys(domain).filter((key): key is keyof typeof domain =>
  Object.hasOwn(domain, key),
);

export type Facts = {
  readonly [Dimension in keyof typeof domain]: (typeof domain)[Dimension][number];
};

export function gatherFacts(
  pod: Pod,
  context: InjectionContext,
  { options, problems }: ParsedAnnotations,
  injected: boolean,
): Facts {
  const { settings, namespace, cluster } = context;
  const { metadata, spec } = pod;
  const labels = metadata?.labels ?? {};
  const isSelected = (selector: Selector | null) => selector !== null && matches(selector, labels);
  return {
    namespace: classify(context),
    label: wishOf(labels[injectKey]),
    annotation: wishOf(metadata?.annotations?.[injectKey]),
    optOutAllowed: settings.allowOptOut,
    alwaysSelected: isSelected(settings.alwaysSelector),
    neverSelected: isSelected(settings.neverSelector),
    hostNetwork: spec.hostNetwork === true,
    hostNetworkPods: settings.hostNetwork,
    os: isWindows(pod) ? "windows" : "linux",
    node: isForVirtualNode(pod) ? "virtual" : "ordinary",
    podSecurity: podSecurityOf(namespace.labels),
    mode: options.mode,
    annotations: problems.length === 0 ? "accepted" : "refused",
    sidecar: prefersNative(options.nativeSidecar, cluster) ? "native" : "classic",
    owner: finishes(pod) ? "finishes" : "goes_on",
    injected,
  };
}

function classify({
  namespace,
  settings,
  injectorNamespace,
}: InjectionContext): Facts["namespace"] {
  const { name, labels } = namespace;
  if (name.startsWith("kube-") || settings.ignoredNamespaces.includes(name)) return "ignored";
  if (name === injectorNamespace) return "injector";
  if (labels[namespaceLabel.name] !== namespaceLabel.value) return "unlabelled";
  return isOfRevision(labels, settings.revision) ? "labelled" : "other_revision";
}

/** As the webhook's selector has it: without a name, the label must not be there at all. */
export function isOfRevision(labels: StringMap, revision: string): boolean {
  return labels[revisionLabel] === (revision === "" ? undefined : revision);
}

function wishOf(value: string | undefined): Facts["label"] {
  if (value === undefined) return "absent";
  return value === "true" || value === "false" ? value : "other";
}

/** Unknown levels are for the API server to refuse; nothing is forbidden by them. */
function podSecurityOf(labels: StringMap): Facts["podSecurity"] {
  const level = labels[podSecurityLabel];
  return level === "baseline" || level === "restricted" ? level : "privileged";
}

function isWindows({ spec }: Pod): boolean {
  return spec.os?.name === "windows" || spec.nodeSelector?.["kubernetes.io/os"] === "windows";
}

/** Taints of virtual nodes: virtual kubelet's own (AKS, ACK and others), and Fargate's. */
const virtualTaints = ["virtual-kubelet.io/provider", "eks.amazonaws.com/compute-type"];

/** Labels of virtual nodes, which node selectors name, and of pods that are sent there. */
const virtualLabels: Readonly<Record<string, string>> = {
  type: "virtual-kubelet",
  "kubernetes.azure.com/role": "virtual-node",
  "eks.amazonaws.com/compute-type": "fargate",
};
const fargateProfileLabel = "eks.amazonaws.com/fargate-profile";

function isForVirtualNode({ metadata, spec }: Pod): boolean {
  const selected = Object.entries(spec.nodeSelector ?? {});
  return (
    (spec.tolerations ?? []).some(({ key }) => virtualTaints.includes(key ?? "")) ||
    selected.some(([key, value]) => virtualLabels[key] === value) ||
    Object.hasOwn(metadata?.labels ?? {}, fargateProfileLabel)
  );
}

function finishes({ metadata, spec }: Pod): boolean {
  const isOfJob = metadata?.ownerReferences?.some(({ kind }) => kind === "Job") ?? false;
  return isOfJob || spec.restartPolicy === "Never" || spec.restartPolicy === "OnFailure";
}
