/**
 * Every reason the injector can give, in one closed table: the same codes are log fields, metric
 * labels, warnings and the table in docs/reference/reasons.md. A code is API: never renamed, never
 * reused for something else.
 */

interface Reason {
  readonly kind: "inject" | "skip" | "deny" | "warning";
  /** What happened, as a sentence. */
  readonly sentence: string;
  /** What to do about it; a dash when nothing has to be done. */
  readonly fix: string;
}

const table = {
  injected: {
    kind: "inject",
    sentence: "The pod was given a bouncer.",
    fix: "-",
  },
  already_injected: {
    kind: "inject",
    sentence: "The pod had a bouncer already; it was rendered again.",
    fix: "-",
  },

  namespace_not_labelled: {
    kind: "skip",
    sentence: "The namespace is not labelled bouncer-injection=enabled.",
    fix: "Label the namespace: kubectl label namespace NAME bouncer-injection=enabled",
  },
  namespace_ignored: {
    kind: "skip",
    sentence: "The namespace belongs to Kubernetes or is listed in ignoredNamespaces.",
    fix: "Run the workload in a namespace of its own.",
  },
  injector_namespace: {
    kind: "skip",
    sentence: "The namespace is the one the injector itself runs in.",
    fix: "Run the workload in a namespace of its own.",
  },
  opted_out: {
    kind: "skip",
    sentence: `The pod has the label or the annotation bouncer.dev/inject: "false".`,
    fix: "Remove the label or annotation from the pod template.",
  },
  host_network: {
    kind: "skip",
    sentence: "The pod uses the network of its node, where a redirect would hit the node itself.",
    fix: "Remove hostNetwork: true, or protect the workload by other means.",
  },
  windows: {
    kind: "skip",
    sentence: "The pod is for Windows nodes, where there is no redirect and no bouncer image.",
    fix: "Protect the workload by other means.",
  },

  invalid_annotation: {
    kind: "deny",
    sentence: "An annotation under bouncer.dev/ has a value that is not accepted.",
    fix: "Correct the value; docs/reference/annotations.md lists what is accepted.",
  },
  name_conflict: {
    kind: "deny",
    sentence: "A container or volume of the pod has a name that the injector needs.",
    fix: "Rename the container or volume.",
  },
  invalid_pod: {
    kind: "deny",
    sentence: "The pod is not what the API server would accept.",
    fix: "Correct the field that is named.",
  },
  invalid_status: {
    kind: "deny",
    sentence: "The annotation bouncer.dev/status is not what the injector wrote.",
    fix: "Remove the annotation and everything the injector added, or apply the original manifest.",
  },
  too_many_ports: {
    kind: "deny",
    sentence: "The pod has more TCP ports than the bouncer listens for.",
    fix: "Declare fewer ports, or choose them with bouncer.dev/app-ports.",
  },
  needs_native_sidecar: {
    kind: "deny",
    sentence:
      "The pod has to finish, and a sidecar that is a plain container would keep it running.",
    fix: "Set nativeSidecar: true (Kubernetes 1.29 and later), or opt the pod out.",
  },

  invalid_inject_value: {
    kind: "warning",
    sentence: "bouncer.dev/inject is neither true nor false; the pod was injected.",
    fix: `Write "true" or "false".`,
  },
  opt_out_forbidden: {
    kind: "warning",
    sentence: "The pod asks to be left out, and the operator does not allow that; it was injected.",
    fix: "Ask the operator, or remove bouncer.dev/inject.",
  },
  unknown_annotation: {
    kind: "warning",
    sentence: "An annotation under bouncer.dev/ is not known and was ignored.",
    fix: "Correct its name; docs/reference/annotations.md lists them.",
  },
  no_app_ports: {
    kind: "warning",
    sentence: "No container declares a TCP port, so all inbound TCP is refused.",
    fix: "Declare containerPort, or list the ports with bouncer.dev/app-ports.",
  },
  probe_left_as_written: {
    kind: "warning",
    sentence:
      "A probe or hook names a port that its container does not declare, or a host of its own; it was left as written.",
    fix: "Declare the port or use its number; remove the host.",
  },
} as const satisfies Record<string, Reason>;

export const reasons: Readonly<Record<ReasonCode, Reason>> = table;

export type ReasonCode = keyof typeof table;
type CodeOf<Kind extends Reason["kind"]> = {
  [Code in ReasonCode]: (typeof table)[Code]["kind"] extends Kind ? Code : never;
}[ReasonCode];

export type InjectCode = CodeOf<"inject">;
export type SkipCode = CodeOf<"skip">;
export type DenyCode = CodeOf<"deny">;
export type WarningCode = CodeOf<"warning">;

/** The sentence of the reason, and what it is about in this pod. */
export function warn(code: WarningCode, about: string) {
  return { code, message: `${about}: ${reasons[code].sentence}` };
}
