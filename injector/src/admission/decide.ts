/**
 * What becomes of a pod. The rules are one ordered list, and the first that applies decides, so it
 * reads as the specification; docs/reference/selection.md is made from it. Whoever cannot be
 * understood is injected. Pure.
 */
import type { Warning } from "../inject/injection.ts";
import { dimensions, type Facts, injectKey } from "./facts.ts";
import { type DenyCode, type InjectCode, type SkipCode, warn } from "./reasons.ts";

export type Verdict =
  | { readonly kind: "skip"; readonly reason: SkipCode }
  | { readonly kind: "deny"; readonly reason: DenyCode }
  | { readonly kind: "inject"; readonly reason: InjectCode };

export interface Rule {
  /** Values of each dimension for which it applies; one that is not named may have any. */
  readonly when: { readonly [Dimension in keyof Facts]?: readonly Facts[Dimension][] };
  readonly verdict: Verdict;
  /** Where the API server decides it already, so that the pod starts while the webhook is down. */
  readonly early: "namespaceSelector" | "objectSelector" | "matchConditions" | null;
}

const skip = (reason: SkipCode): Verdict => ({ kind: "skip", reason });
const deny = (reason: DenyCode): Verdict => ({ kind: "deny", reason });
const inject = (reason: InjectCode): Verdict => ({ kind: "inject", reason });

const optsOut = { optOutAllowed: [true], alwaysSelected: [false] } as const;

export const rules: readonly Rule[] = [
  {
    when: { namespace: ["ignored"] },
    verdict: skip("namespace_ignored"),
    early: "namespaceSelector",
  },
  {
    when: { namespace: ["injector"] },
    verdict: skip("injector_namespace"),
    early: "namespaceSelector",
  },
  {
    when: { namespace: ["unlabelled"] },
    verdict: skip("namespace_not_labelled"),
    early: "namespaceSelector",
  },
  {
    when: { namespace: ["other_revision"] },
    verdict: skip("other_revision"),
    early: "namespaceSelector",
  },
  { when: { neverSelected: [true] }, verdict: skip("never_selected"), early: "matchConditions" },
  { when: { ...optsOut, label: ["false"] }, verdict: skip("opted_out"), early: "objectSelector" },
  {
    when: { ...optsOut, annotation: ["false"] },
    verdict: skip("opted_out"),
    early: "matchConditions",
  },
  {
    when: { hostNetwork: [true], hostNetworkPods: ["skip"] },
    verdict: skip("host_network"),
    early: "matchConditions",
  },
  { when: { hostNetwork: [true] }, verdict: deny("host_network_forbidden"), early: null },
  { when: { os: ["windows"] }, verdict: skip("windows"), early: null },
  { when: { annotations: ["refused"] }, verdict: deny("invalid_annotation"), early: null },
  {
    when: { mode: ["redirect"], podSecurity: ["baseline", "restricted"] },
    verdict: deny("pod_security_forbids_redirect"),
    early: null,
  },
  {
    when: { mode: ["redirect"], node: ["virtual"] },
    verdict: deny("virtual_node_forbids_redirect"),
    early: null,
  },
  {
    when: { sidecar: ["classic"], owner: ["finishes"] },
    verdict: deny("needs_native_sidecar"),
    early: null,
  },
  { when: { injected: [true] }, verdict: inject("already_injected"), early: null },
  { when: {}, verdict: inject("injected"), early: null },
];

function allows<Value>(accepted: readonly Value[] | undefined, value: Value): boolean {
  return accepted === undefined || accepted.includes(value);
}

export function applies({ when }: Rule, facts: Facts): boolean {
  return dimensions.every((one) => allows<Facts[keyof Facts]>(when[one], facts[one]));
}

export function decide(facts: Facts): Rule {
  const rule = rules.find((one) => applies(one, facts));
  if (rule === undefined) throw new Error("the last rule applies to every pod");
  return rule;
}

/** How requests get to the bouncer of a pod that is injected, and why, when nobody has chosen. */
export type Mode =
  | { readonly kind: "redirect" | "service"; readonly because: null }
  | { readonly kind: "service"; readonly because: "pod_security" | "virtual_node" };

export function chooseMode({ mode, podSecurity, node }: Facts): Mode {
  if (mode !== "auto") return { kind: mode, because: null };
  if (podSecurity !== "privileged") return { kind: "service", because: "pod_security" };
  if (node === "virtual") return { kind: "service", because: "virtual_node" };
  return { kind: "redirect", because: null };
}

/** About the wish to be left out, of a pod that is not: a "false" here is one that is forbidden. */
export function warnAboutWish({ label, annotation }: Facts): Warning[] {
  const wishes = new Set([label, annotation]);
  const forbidden = wishes.has("false")
    ? [warn("opt_out_forbidden", `${injectKey} is "false"`)]
    : [];
  const unreadable = wishes.has("other")
    ? [warn("invalid_inject_value", `${injectKey} is not "true" or "false"`)]
    : [];
  return [...unreadable, ...forbidden];
}
