/**
 * Whether the API server sends the creation of a pod to a webhook: its own four steps, in its order.
 * Pure.
 */
import type {
  V1LabelSelector,
  V1MutatingWebhook,
  V1RuleWithOperations,
} from "@kubernetes/client-node";
import type { StringMap } from "../../inject/kubernetes.ts";
import { matches, type Selector } from "../../settings/selector.ts";
import { evaluate } from "./expression.ts";

export interface Step {
  /** Who looks. */
  readonly by: "API server" | "injector";
  /** A field of the webhook, or the code of one of our reasons. */
  readonly step: string;
  readonly verdict: "passes" | "stops" | "unknown";
  readonly detail: string;
}

export interface Subject {
  /** The pod as it would be sent; of a workload, its template. */
  readonly pod: unknown;
  readonly labels: StringMap;
  readonly namespace: string;
  /** Null: no cluster could be asked. */
  readonly namespaceLabels: StringMap | null;
}

export type Matched = "yes" | "no" | "unknown";

export function replayMatching(webhook: V1MutatingWebhook, subject: Subject): readonly Step[] {
  const { namespaceSelector, objectSelector, rules } = webhook;
  return [
    matchRules(rules ?? []),
    matchSelector("namespaceSelector", namespaceSelector, subject.namespaceLabels),
    matchSelector("objectSelector", objectSelector, subject.labels),
    ...matchConditions(webhook, subject),
  ];
}

/** A condition that is false counts, even when another one fails. */
export function summarize(steps: readonly Step[]): Matched {
  if (steps.some(({ verdict }) => verdict === "stops")) return "no";
  return steps.some(({ verdict }) => verdict === "unknown") ? "unknown" : "yes";
}

const step = (name: string, verdict: Step["verdict"], detail: string): Step => ({
  by: "API server",
  step: name,
  verdict,
  detail,
});

function matchRules(rules: readonly V1RuleWithOperations[]): Step {
  return rules.some(isForPods)
    ? step("rules", "passes", "CREATE of pods")
    : step("rules", "stops", "no rule is about CREATE of pods");
}

export function isForPods(rule: V1RuleWithOperations): boolean {
  return (
    covers(rule.operations, ["CREATE"]) &&
    covers(rule.apiGroups, [""]) &&
    covers(rule.apiVersions, ["v1"]) &&
    covers(rule.resources, ["pods", "*/*"]) &&
    rule.scope !== "Cluster"
  );
}

function covers(list: readonly string[] | undefined, accepted: readonly string[]): boolean {
  return list?.some((one) => one === "*" || accepted.includes(one)) ?? false;
}

function matchSelector(
  name: string,
  selector: V1LabelSelector | undefined,
  labels: StringMap | null,
): Step {
  if (labels === null) return step(name, "unknown", "no cluster was asked for the labels");
  const unmet = findUnmet(selector, labels);
  if (unmet.length > 0) return step(name, "stops", unmet.join("; "));
  return step(name, "passes", "");
}

/** Each requirement that the labels do not fulfil, in words. */
export function findUnmet(selector: V1LabelSelector | undefined, labels: StringMap): string[] {
  return toRequirements(selector)
    .filter((one) => !matches({ matchLabels: {}, matchExpressions: [one] }, labels))
    .map(({ key, operator, values }) => {
      const found = Object.hasOwn(labels, key) ? `"${labels[key] ?? ""}"` : "not set";
      const wanted = values.length === 0 ? operator : `${operator} (${values.join(", ")})`;
      return `label ${key} is ${found}, needed is ${wanted}`;
    });
}

type Requirement = Selector["matchExpressions"][number];

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** The API server has checked it; an operator that is not known here fulfils nothing. */
export function toRequirements(selector: V1LabelSelector | undefined): Requirement[] {
  const labels = Object.entries(selector?.matchLabels ?? {});
  return [
    ...labels.map(([key, value]) => ({ key, operator: "In" as const, values: [value] })),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values }) => ({
      key,
      operator: operators.find((known) => known === operator) ?? ("In" as const),
      values: values ?? [],
    })),
  ];
}

function matchConditions({ matchConditions: conditions }: V1MutatingWebhook, subject: Subject) {
  const variables = { object: subject.pod, request: buildRequest(subject) };
  return (conditions ?? []).map(({ name, expression }) => {
    const result = evaluate(expression, variables);
    if (result.kind === "failed") {
      return step(
        "matchConditions",
        "unknown",
        `${name} cannot be evaluated here: ${result.problem}`,
      );
    }
    return step("matchConditions", result.value ? "passes" : "stops", `${name} is ${result.value}`);
  });
}

/** As in the AdmissionReview, without `userInfo`: who will create the pod is not known here. */
function buildRequest({ namespace }: Subject) {
  const pods = { group: "", version: "v1", resource: "pods" };
  const kind = { group: "", version: "v1", kind: "Pod" };
  return {
    kind,
    resource: pods,
    subResource: "",
    requestKind: kind,
    requestResource: pods,
    requestSubResource: "",
    namespace,
    operation: "CREATE",
    dryRun: false,
  };
}
