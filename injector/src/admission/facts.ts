/** What the decision looks at, gathered from the pod and its namespace. Pure. */
import type { InjectionContext } from "../inject/injection.ts";
import type { Pod } from "../inject/kubernetes.ts";

/** Label of a namespace whose pods are injected, and its one value. */
export const namespaceLabel = { name: "bouncer-injection", value: "enabled" } as const;

/** Label or annotation of a pod by which it opts out. */
export const injectKey = "bouncer.dev/inject";

export interface Facts {
  /** kube-system and the like, or listed by the operator. */
  readonly namespaceIgnored: boolean;
  readonly injectorNamespace: boolean;
  readonly namespaceLabelled: boolean;
  /** The values given by label and by annotation, label first. */
  readonly injectValues: readonly string[];
  readonly hostNetwork: boolean;
  readonly windows: boolean;
  /** The pod ends by itself, as those of Jobs do. */
  readonly finishes: boolean;
}

export function gatherFacts(pod: Pod, context: InjectionContext): Facts {
  const { name, labels } = context.namespace;
  const { metadata, spec } = pod;
  const system = name.startsWith("kube-");
  const values = [metadata?.labels?.[injectKey], metadata?.annotations?.[injectKey]];
  return {
    namespaceIgnored: system || context.settings.ignoredNamespaces.includes(name),
    injectorNamespace: name === context.injectorNamespace,
    namespaceLabelled: labels[namespaceLabel.name] === namespaceLabel.value,
    injectValues: values.filter((value) => value !== undefined),
    hostNetwork: spec.hostNetwork === true,
    windows: spec.os?.name === "windows" || spec.nodeSelector?.["kubernetes.io/os"] === "windows",
    finishes: spec.restartPolicy === "Never" || spec.restartPolicy === "OnFailure",
  };
}
