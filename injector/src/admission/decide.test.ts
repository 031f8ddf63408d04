/** Who is injected: the rows read as the specification. */
import { expect, test } from "vitest";
import { buildContext, buildSettings } from "../../test/support/context.ts";
import { checkPod } from "../inject/kubernetes.ts";
import { decide } from "./decide.ts";
import { gatherFacts } from "./facts.ts";

interface Situation {
  readonly namespace?: string;
  readonly namespaceLabel?: string | null;
  readonly label?: string;
  readonly annotation?: string;
  readonly spec?: object;
  readonly settings?: object;
}

const key = "bouncer.dev/inject";

function decideFor({
  namespace = "shop",
  namespaceLabel = "enabled",
  label,
  annotation,
  spec,
  settings,
}: Situation) {
  const checked = checkPod({
    metadata: {
      labels: label === undefined ? null : { [key]: label },
      ...(annotation !== undefined && { annotations: { [key]: annotation } }),
    },
    spec: { containers: [{ name: "app" }], ...spec },
  });
  if (!checked.ok) throw new Error(checked.problems.join("\n"));
  const context = buildContext({
    settings: buildSettings(settings),
    namespace: {
      name: namespace,
      labels: namespaceLabel === null ? {} : { "bouncer-injection": namespaceLabel },
      annotations: {},
    },
  });
  const admission = decide(gatherFacts(checked.pod, context), context.settings);
  if (admission.kind !== "inject") return admission.reason;
  return ["inject", ...admission.warnings.map(({ code }) => code)].join(" + ");
}

const forbidden = { allowOptOut: false };
const rows: readonly (readonly [string, Situation, string])[] = [
  ["a labelled namespace", {}, "inject"],
  ["an unlabelled namespace", { namespaceLabel: null }, "namespace_not_labelled"],
  ["another value of the label", { namespaceLabel: "disabled" }, "namespace_not_labelled"],
  ["the label's value is exact", { namespaceLabel: "Enabled" }, "namespace_not_labelled"],
  ["kube-system, even labelled", { namespace: "kube-system" }, "namespace_ignored"],
  ["kube-public", { namespace: "kube-public" }, "namespace_ignored"],
  ["a name that only contains kube-", { namespace: "my-kube-app" }, "inject"],
  ["the injector's own namespace", { namespace: "bouncer-system" }, "injector_namespace"],
  [
    "a namespace that the operator lists",
    { namespace: "legacy", settings: { ignoredNamespaces: ["legacy"] } },
    "namespace_ignored",
  ],
  ["annotation false", { annotation: "false" }, "opted_out"],
  ["label false", { label: "false" }, "opted_out"],
  ["both false", { label: "false", annotation: "false" }, "opted_out"],
  ["label true, annotation false", { label: "true", annotation: "false" }, "opted_out"],
  ["label false, annotation true", { label: "false", annotation: "true" }, "opted_out"],
  ["annotation true", { annotation: "true" }, "inject"],
  ["label true", { label: "true" }, "inject"],
  ["annotation of no meaning", { annotation: "no" }, "inject + invalid_inject_value"],
  ["annotation in capitals", { annotation: "False" }, "inject + invalid_inject_value"],
  ["annotation without a value", { annotation: "" }, "inject + invalid_inject_value"],
  ["label of no meaning", { label: "0" }, "inject + invalid_inject_value"],
  ["label of no meaning, annotation false", { label: "0", annotation: "false" }, "opted_out"],
  [
    "opting out, forbidden",
    { annotation: "false", settings: forbidden },
    "inject + opt_out_forbidden",
  ],
  [
    "opting out twice, forbidden",
    { label: "false", annotation: "false", settings: forbidden },
    "inject + opt_out_forbidden",
  ],
  ["host network", { spec: { hostNetwork: true } }, "host_network"],
  ["host network, opted out", { spec: { hostNetwork: true }, label: "false" }, "opted_out"],
  [
    "host network, opting out forbidden",
    { spec: { hostNetwork: true }, label: "false", settings: forbidden },
    "host_network",
  ],
  ["no host network, said so", { spec: { hostNetwork: false } }, "inject"],
  ["Windows by field", { spec: { os: { name: "windows" } } }, "windows"],
  ["Windows by selector", { spec: { nodeSelector: { "kubernetes.io/os": "windows" } } }, "windows"],
  ["Linux by field", { spec: { os: { name: "linux" } } }, "inject"],
  ["a pod that finishes", { spec: { restartPolicy: "Never" } }, "inject"],
  [
    "a pod that finishes, without native sidecars",
    { spec: { restartPolicy: "OnFailure" }, settings: { nativeSidecar: false } },
    "needs_native_sidecar",
  ],
  [
    "a pod that goes on, without native sidecars",
    { spec: { restartPolicy: "Always" }, settings: { nativeSidecar: false } },
    "inject",
  ],
];

test.each(rows)("%s", (_, situation, expected) => {
  expect(decideFor(situation)).toBe(expected);
});
