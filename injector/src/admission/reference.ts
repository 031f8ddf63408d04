/** Renders docs/reference/selection.md from the rules that decide. Pure. */
import { renderTable } from "bouncer-environment/reference";
import { type Rule, rules } from "./decide.ts";
import { domain, type Facts } from "./facts.ts";
import { reasons } from "./reasons.ts";

type Dimension = keyof typeof domain;

const headings: readonly (readonly [Dimension, string])[] = [
  ["namespace", "Namespace"],
  ["neverSelected", "neverSelector"],
  ["alwaysSelected", "alwaysSelector"],
  ["optOutAllowed", "allowOptOut"],
  ["label", "Pod label"],
  ["annotation", "Pod annotation"],
  ["hostNetwork", "hostNetwork"],
  ["hostNetworkPods", "Setting hostNetwork"],
  ["os", "OS"],
  ["annotations", "Annotations"],
  ["mode", "Mode asked for"],
  ["podSecurity", "Pod Security"],
  ["node", "Node"],
  ["sidecar", "Sidecar"],
  ["owner", "Pod"],
  ["injected", "Injected before"],
];

const about: Readonly<Record<Dimension, string>> = {
  namespace:
    "`ignored`: its name begins with `kube-`, or `ignoredNamespaces` lists it. `injector`: the one that the injector runs in. `unlabelled`: without `bouncer-injection=enabled`. `other_revision`: its label `bouncer.dev/rev` is not the `revision` of the settings (no label: the empty one). `labelled`: all others.",
  label: 'Label `bouncer.dev/inject` of the pod; `other`: neither `"true"` nor `"false"`.',
  annotation: "Annotation `bouncer.dev/inject` of the pod, likewise.",
  optOutAllowed: "`allowOptOut` of the settings.",
  alwaysSelected: "`alwaysSelector` of the settings selects the pod.",
  neverSelected: "`neverSelector` of the settings selects the pod.",
  hostNetwork: "`hostNetwork: true` in the pod.",
  hostNetworkPods: "`hostNetwork` of the settings.",
  os: "`windows`: by `spec.os.name`, or the node selector `kubernetes.io/os`.",
  node: "`virtual`: a toleration, node selector or label of virtual kubelets or of Fargate.",
  podSecurity: "Label `pod-security.kubernetes.io/enforce` of the namespace; none is `privileged`.",
  mode: "`mode` of the settings or `bouncer.dev/mode`.",
  annotations:
    "`refused`: one of the annotations has a value that is not accepted, or may not be on the pod.",
  sidecar:
    "`native`: an init container with `restartPolicy: Always`. By `nativeSidecar` of the settings or `bouncer.dev/native-sidecar`; `auto` is `native` if the API server and every kubelet are 1.29 or later.",
  owner: "`finishes`: it belongs to a Job, or its restartPolicy is not `Always`.",
  injected: "The pod has the annotation `bouncer.dev/status`.",
};

export function renderReference(): string {
  return [
    "# Who is injected",
    "",
    "Made from `injector/src/admission/decide.ts` by `make golden`; do not edit.",
    "",
    "Read from the top: the first row that applies decides. What a row does not name may have any value. The namespace's label is the only way in: nothing in a pod or in the settings injects pods of other namespaces. [Reasons](reasons.md) has a sentence and a remedy for each code.",
    "",
    renderTable(
      ["", "When", "Outcome", "Reason", "Before the webhook"],
      rules.map((rule, index) => [String(index + 1), describe(rule), ...outcome(rule)]),
    ),
    "**Before the webhook**: the part of the MutatingWebhookConfiguration by which the API server decides the row by itself, so that these pods start even while the webhook is down. `matchConditions` needs Kubernetes 1.30; before that the webhook decides. With an `alwaysSelector`, opting out by label is decided by `matchConditions`, too.",
    "",
    "## What it looks at",
    "",
    renderTable(
      ["Fact", "Values", "Meaning"],
      headings.map(([dimension, heading]) => [
        heading,
        domain[dimension].map((value) => format(value)).join(", "),
        about[dimension],
      ]),
    ),
    "## Mode",
    "",
    "Of a pod that is injected: what was asked for; for `auto`, `service` when Pod Security is `baseline` or `restricted` or the node is virtual, else `redirect`. In `service`, a pod whose mode was not asked for gets the warning `service_mode_chosen`.",
    "",
  ].join("\n");
}

const format = (value: string | boolean) =>
  typeof value === "boolean" ? (value ? "yes" : "no") : value;

function describe({ when }: Rule): string {
  const conditions = headings.flatMap(([dimension, heading]) => {
    const accepted: readonly Facts[Dimension][] = when[dimension] ?? [];
    const values = accepted.map((value) => `\`${format(value)}\``);
    return values.length === 0 ? [] : [`${heading} is ${values.join(" or ")}`];
  });
  return conditions.length === 0 ? "always" : conditions.join("<br>");
}

function outcome({ verdict, early }: Rule): string[] {
  return [
    reasons[verdict.reason].kind,
    `\`${verdict.reason}\``,
    early === null ? "" : `\`${early}\``,
  ];
}
