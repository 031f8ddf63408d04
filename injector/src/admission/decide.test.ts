/** Who is injected: situations as people meet them, then every combination of facts there is. */
import { describe, expect, test } from "vitest";
import { buildContext, buildSettings } from "../../test/support/context.ts";
import { parseAnnotations } from "../annotations/parse.ts";
import { checkPod } from "../inject/kubernetes.ts";
import { applies, chooseMode, decide, rules, warnAboutWish } from "./decide.ts";
import { dimensions, domain, type Facts, gatherFacts } from "./facts.ts";
import { renderReference } from "./reference.ts";

interface Situation {
  readonly namespace?: string;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner?: string;
  readonly spec?: object;
  readonly settings?: object;
  readonly oldestKubelet?: string;
}

const enabled = { "bouncer-injection": "enabled" };

function factsOf({
  namespace = "shop",
  namespaceLabels = enabled,
  labels,
  annotations = {},
  owner,
  spec,
  settings,
  oldestKubelet,
}: Situation): Facts {
  const checked = checkPod({
    metadata: {
      labels: labels ?? null,
      annotations,
      ...(owner !== undefined && { ownerReferences: [{ kind: owner }] }),
    },
    spec: { containers: [{ name: "app" }], ...spec },
  });
  if (!checked.ok) throw new Error(checked.problems.join("\n"));
  const context = buildContext({
    settings: buildSettings(settings),
    namespace: { name: namespace, labels: namespaceLabels, annotations: {} },
    cluster: { apiServer: null, oldestKubelet: oldestKubelet ?? null, services: null },
  });
  const parsed = parseAnnotations({ namespace: {}, pod: annotations }, context.settings);
  return gatherFacts(checked.pod, context, parsed, "bouncer.dev/status" in annotations);
}

function decideFor(situation: Situation): string {
  const facts = factsOf(situation);
  const { verdict } = decide(facts);
  if (verdict.kind !== "inject") return verdict.reason;
  const mode = chooseMode(facts);
  return [
    verdict.reason,
    ...(mode.kind === "service" ? [`service, ${mode.because}`] : []),
    ...warnAboutWish(facts).map(({ code }) => code),
  ].join(" + ");
}

const label = (value: string) => ({ labels: { "bouncer.dev/inject": value } });
const annotation = (value: string) => ({ annotations: { "bouncer.dev/inject": value } });
const enforce = (level: string) => ({
  namespaceLabels: { ...enabled, "pod-security.kubernetes.io/enforce": level },
});
const mode = (value: string) => ({ settings: { mode: value } });
const forbidden = { settings: { allowOptOut: false } };
const selecting = (name: "alwaysSelector" | "neverSelector") => ({
  settings: { [name]: { matchLabels: { team: "a" } } },
});

const situations: readonly (readonly [string, Situation, string])[] = [
  ["a labelled namespace", {}, "injected"],
  ["an unlabelled namespace", { namespaceLabels: {} }, "namespace_not_labelled"],
  [
    "the label's value is exact",
    { namespaceLabels: { "bouncer-injection": "Enabled" } },
    "namespace_not_labelled",
  ],
  ["kube-system, even labelled", { namespace: "kube-system" }, "namespace_ignored"],
  ["a name that only contains kube-", { namespace: "my-kube-app" }, "injected"],
  ["the injector's own namespace", { namespace: "bouncer-system" }, "injector_namespace"],
  [
    "a namespace that the operator lists",
    { namespace: "legacy", settings: { ignoredNamespaces: ["legacy"] } },
    "namespace_ignored",
  ],
  [
    "a namespace of another revision",
    { namespaceLabels: { ...enabled, "bouncer.dev/rev": "canary" } },
    "other_revision",
  ],
  [
    "a namespace whose revision is an empty text",
    { namespaceLabels: { ...enabled, "bouncer.dev/rev": "" } },
    "other_revision",
  ],
  [
    "a namespace without a revision, asked for one",
    { settings: { revision: "canary" } },
    "other_revision",
  ],
  [
    "a namespace of this revision",
    {
      namespaceLabels: { ...enabled, "bouncer.dev/rev": "canary" },
      settings: { revision: "canary" },
    },
    "injected",
  ],
  ["annotation false", annotation("false"), "opted_out"],
  ["label false", label("false"), "opted_out"],
  ["label true, annotation false", { ...label("true"), ...annotation("false") }, "opted_out"],
  ["label false, annotation true", { ...label("false"), ...annotation("true") }, "opted_out"],
  ["annotation true", annotation("true"), "injected"],
  ["annotation of no meaning", annotation("no"), "injected + invalid_inject_value"],
  ["annotation in capitals", annotation("False"), "injected + invalid_inject_value"],
  ["label without a value", label(""), "injected + invalid_inject_value"],
  ["label of no meaning, annotation false", { ...label("0"), ...annotation("false") }, "opted_out"],
  [
    "opting out, forbidden",
    { ...annotation("false"), ...forbidden },
    "injected + opt_out_forbidden",
  ],
  [
    "opting out twice, forbidden",
    { ...label("false"), ...annotation("false"), ...forbidden },
    "injected + opt_out_forbidden",
  ],
  [
    "opting out of what is always selected",
    { labels: { team: "a", "bouncer.dev/inject": "false" }, ...selecting("alwaysSelector") },
    "injected + opt_out_forbidden",
  ],
  [
    "opting out of what is not",
    { labels: { team: "b", "bouncer.dev/inject": "false" }, ...selecting("alwaysSelector") },
    "opted_out",
  ],
  ["never selected", { labels: { team: "a" }, ...selecting("neverSelector") }, "never_selected"],
  ["host network", { spec: { hostNetwork: true } }, "host_network"],
  ["host network, opted out", { spec: { hostNetwork: true }, ...label("false") }, "opted_out"],
  [
    "host network, forbidden",
    { spec: { hostNetwork: true }, settings: { hostNetwork: "deny" } },
    "host_network_forbidden",
  ],
  ["Windows by field", { spec: { os: { name: "windows" } } }, "windows"],
  ["Windows by selector", { spec: { nodeSelector: { "kubernetes.io/os": "windows" } } }, "windows"],
  ["Linux by field", { spec: { os: { name: "linux" } } }, "injected"],
  [
    "an annotation that is refused",
    { annotations: { "bouncer.dev/preset": "tiny" } },
    "invalid_annotation",
  ],
  [
    "an annotation that is refused, on a pod that is left out",
    { annotations: { "bouncer.dev/preset": "tiny", "bouncer.dev/inject": "false" } },
    "opted_out",
  ],
  ["Pod Security restricted", enforce("restricted"), "injected + service, pod_security"],
  ["Pod Security baseline", enforce("baseline"), "injected + service, pod_security"],
  ["Pod Security privileged", enforce("privileged"), "injected"],
  [
    "restricted, redirect asked for",
    { ...enforce("restricted"), ...mode("redirect") },
    "pod_security_forbids_redirect",
  ],
  [
    "restricted, service asked for",
    { ...enforce("restricted"), ...mode("service") },
    "injected + service, null",
  ],
  [
    "a toleration of virtual nodes",
    { spec: { tolerations: [{ key: "virtual-kubelet.io/provider", operator: "Exists" }] } },
    "injected + service, virtual_node",
  ],
  ["a toleration of everything", { spec: { tolerations: [{ operator: "Exists" }] } }, "injected"],
  [
    "a node selector of virtual nodes, redirect asked for",
    { spec: { nodeSelector: { type: "virtual-kubelet" } }, ...mode("redirect") },
    "virtual_node_forbids_redirect",
  ],
  [
    "Fargate",
    { labels: { "eks.amazonaws.com/fargate-profile": "fp" } },
    "injected + service, virtual_node",
  ],
  ["a pod that finishes", { spec: { restartPolicy: "Never" } }, "injected"],
  [
    "a pod that finishes, on old nodes",
    { spec: { restartPolicy: "OnFailure" }, oldestKubelet: "1.28.9" },
    "needs_native_sidecar",
  ],
  [
    "a pod of a Job, on old nodes",
    { owner: "Job", oldestKubelet: "v1.27.1-eks" },
    "needs_native_sidecar",
  ],
  [
    "a pod of a Job, native sidecars asked for",
    { owner: "Job", oldestKubelet: "1.27.1", settings: { nativeSidecar: true } },
    "injected",
  ],
  [
    "a pod of a Job, classic sidecars asked for",
    { owner: "Job", settings: { nativeSidecar: false } },
    "needs_native_sidecar",
  ],
  [
    "a pod that goes on, on old nodes",
    { owner: "ReplicaSet", oldestKubelet: "1.27.1" },
    "injected",
  ],
  ["injected before", { annotations: { "bouncer.dev/status": "{}" } }, "already_injected"],
];

test.each(situations)("%s", (_, situation, expected) => {
  expect(decideFor(situation)).toBe(expected);
});

/** The same in words that owe nothing to the table of rules. */
function specification(facts: Facts): string {
  const inPlace = {
    ignored: "namespace_ignored",
    injector: "injector_namespace",
    unlabelled: "namespace_not_labelled",
    other_revision: "other_revision",
    labelled: null,
  }[facts.namespace];
  if (inPlace !== null) return inPlace;
  if (facts.neverSelected) return "never_selected";
  const asks = facts.label === "false" || facts.annotation === "false";
  if (asks && facts.optOutAllowed && !facts.alwaysSelected) return "opted_out";
  if (facts.hostNetwork) {
    return facts.hostNetworkPods === "deny" ? "host_network_forbidden" : "host_network";
  }
  if (facts.os === "windows") return "windows";
  if (facts.annotations === "refused") return "invalid_annotation";
  if (facts.mode === "redirect") {
    if (facts.podSecurity !== "privileged") return "pod_security_forbids_redirect";
    if (facts.node === "virtual") return "virtual_node_forbids_redirect";
  }
  if (facts.sidecar === "classic" && facts.owner === "finishes") return "needs_native_sidecar";
  return facts.injected ? "already_injected" : "injected";
}

const isFacts = (value: object): value is Facts => dimensions.every((one) => one in value);

function* allFacts(): Generator<Facts> {
  const entriesOf = Object.entries(domain);
  const sizes = entriesOf.map(([, values]) => values.length);
  const total = sizes.reduce((product, size) => product * size, 1);
  for (let index = 0; index < total; index += 1) {
    let rest = index;
    const entries = entriesOf.map(([name, values], at) => {
      const size = sizes[at] ?? 1;
      const value = values[rest % size];
      rest = Math.floor(rest / size);
      return [name, value] as const;
    });
    const facts = Object.fromEntries(entries);
    if (isFacts(facts)) yield facts;
  }
}

describe("every combination of facts", () => {
  test("is decided as the specification says, by every rule at least once", () => {
    const used = new Set<number>();
    const wrong: unknown[] = [];
    let redirectedWithoutRight = 0;
    for (const facts of allFacts()) {
      const rule = decide(facts);
      used.add(rules.indexOf(rule));
      if (rule.verdict.reason !== specification(facts) && wrong.length < 5) wrong.push(facts);
      const isRedirected = rule.verdict.kind === "inject" && chooseMode(facts).kind === "redirect";
      const mayNot = facts.podSecurity !== "privileged" || facts.node === "virtual";
      if (isRedirected && mayNot) redirectedWithoutRight += 1;
    }
    expect(wrong).toEqual([]);
    expect(used.size).toBe(rules.length);
    expect(redirectedWithoutRight).toBe(0);
  });

  test("each rule that the API server decides early comes before all that it cannot", () => {
    const early = rules.map((rule) => rule.early !== null);
    expect(early.indexOf(false)).toBeGreaterThan(early.lastIndexOf(true));
    const last = rules.at(-1);
    expect(last !== undefined && Object.keys(last.when)).toEqual([]);
    expect(last !== undefined && applies(last, factsOf({}))).toBe(true);
  });
});

test("the truth table is made from the rules", async () => {
  await expect(renderReference()).toMatchFileSnapshot("../../../docs/reference/selection.md");
});
