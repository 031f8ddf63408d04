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
  other_revision: {
    kind: "skip",
    sentence: "The namespace belongs to another installation, by its label bouncer.dev/rev.",
    fix: "Look there (kubectl get mutatingwebhookconfigurations -L bouncer.dev/revision), or change the label of the namespace.",
  },
  never_selected: {
    kind: "skip",
    sentence: "The operator's neverSelector selects the pod.",
    fix: "Change the pod's labels, or ask the operator.",
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

  host_network_forbidden: {
    kind: "deny",
    sentence:
      "The pod uses the network of its node, where it cannot be protected, and the operator does not allow that.",
    fix: "Remove hostNetwork: true, or opt the pod out.",
  },
  pod_security_forbids_redirect: {
    kind: "deny",
    sentence:
      "The mode redirect needs NET_ADMIN, which the namespace's pod-security.kubernetes.io/enforce forbids.",
    fix: "Use bouncer.dev/mode: service, or label the namespace pod-security.kubernetes.io/enforce=privileged.",
  },
  virtual_node_forbids_redirect: {
    kind: "deny",
    sentence: "The mode redirect needs NET_ADMIN, which virtual nodes do not give.",
    fix: "Use bouncer.dev/mode: service, or remove the toleration or node selector of virtual nodes.",
  },
  invalid_annotation: {
    kind: "deny",
    sentence: "An annotation under bouncer.dev/ has a value that is not accepted.",
    fix: "Correct the value; docs/reference/annotations.md lists what is accepted.",
  },
  name_conflict: {
    kind: "deny",
    sentence:
      "A container or volume of the pod has a name that the injector needs, or a container mounts a volume of the injector.",
    fix: "Rename the container or volume, or remove the mount.",
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
    fix: "Upgrade the cluster's nodes to 1.29 or later, set bouncer.dev/native-sidecar if they are, or opt the pod out.",
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
  service_mode_chosen: {
    kind: "warning",
    sentence:
      "The pod cannot be redirected, so the mode is service: the bouncer decides what Services send to its port, and the application's own port stays open.",
    fix: "Let the Services target the port that is named, and close the application's port by a NetworkPolicy.",
  },
  service_bypasses_bouncer: {
    kind: "warning",
    sentence: "The Service sends requests to the application, past the bouncer.",
    fix: "Set the targetPort that is named.",
  },
  port_may_be_opaque: {
    kind: "warning",
    sentence:
      "The Service says that the port speaks something else than HTTP without TLS, which is all that the bouncer reads.",
    fix: "List the port in bouncer.dev/opaque-ports, give the bouncer the certificate by bouncer.dev/tls-secret, or correct appProtocol of the Service.",
  },
  app_protocol_unclear: {
    kind: "warning",
    sentence:
      "Services say different protocols about it, so the bouncer speaks to it what its clients speak.",
    fix: "Correct appProtocol of the Services, or write bouncer.dev/app-protocols.",
  },
  exclusion_without_effect: {
    kind: "warning",
    sentence: "It has no effect in the mode service, where nothing is redirected.",
    fix: "Remove the annotation.",
  },
  native_sidecar_unsupported: {
    kind: "warning",
    sentence:
      "Native sidecars are asked for, and the cluster has a version before 1.29: there the pod does not start.",
    fix: "Use bouncer.dev/native-sidecar: auto.",
  },
  shadow_mode: {
    kind: "warning",
    sentence: "The bouncer decides and records, and refuses nothing.",
    fix: "Remove bouncer.dev/shadow when the policy is right.",
  },
  could_remove_rules: {
    kind: "warning",
    sentence: "The pod has the power to remove the rules that lead requests to the bouncer.",
    fix: "Remove what is named; the chart's bypassPolicy refuses it.",
  },
  mesh_bypasses_bouncer: {
    kind: "warning",
    sentence: "A mesh hands requests to the application inside of the pod, past the bouncer.",
    fix: "Follow what is named; docs/operations.md has a section on meshes.",
  },
  mesh_misses_ports: {
    kind: "warning",
    sentence: "The mesh is not told to leave ports to the bouncer, so requests to them fail.",
    fix: "Add the ports to the annotation that is named.",
  },
  mesh_encrypts_requests: {
    kind: "warning",
    sentence:
      "Clients in the mesh encrypt their requests in a way that the bouncer cannot read, so they fail.",
    fix: "Follow what is named; docs/operations.md has a section on meshes.",
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
