/** Our own decision about a pod, rule by rule up to the first that applies, and its outcome. Pure. */
import { applies, rules, type Rule } from "../../admission/decide.ts";
import { gatherFacts } from "../../admission/facts.ts";
import { reasons } from "../../admission/reasons.ts";
import { parseAnnotations } from "../../annotations/parse.ts";
import { statusKey } from "../../annotations/table.ts";
import type { Injection, InjectionContext } from "../../inject/injection.ts";
import { checkPod } from "../../inject/kubernetes.ts";
import { inject } from "../../inject/pod.ts";
import type { Step } from "./matching.ts";

export interface Decision {
  readonly steps: readonly Step[];
  readonly injection: Injection;
}

export function replayDecision(pod: unknown, context: InjectionContext): Decision {
  const injection = inject(pod, context);
  const steps = replayRules(pod, context);
  const isKnown = steps.some((one) => one.step === injection.reason);
  // What is found out only while the pod is rendered comes after all the rules.
  return { steps: isKnown ? steps : [...steps.slice(0, -1), outcomeOf(injection)], injection };
}

function replayRules(pod: unknown, context: InjectionContext): readonly Step[] {
  const checked = checkPod(pod);
  if (!checked.ok) return [];
  const annotations = checked.pod.metadata?.annotations ?? {};
  const sources = { namespace: context.namespace.annotations, pod: annotations };
  const parsed = parseAnnotations(sources, context.settings);
  const isInjected = annotations[statusKey] !== undefined;
  const facts = gatherFacts(checked.pod, context, parsed, isInjected);
  const first = rules.findIndex((rule) => applies(rule, facts));
  const steps = rules
    .slice(0, first + 1)
    .map((rule, index) => toStep(rule, index === first, parsed.problems));
  // Two rules may give the same reason; the last of them is the one that may apply.
  const last = new Map(steps.map((one) => [one.step, one]));
  return [...last.values()];
}

function toStep({ verdict }: Rule, isFirst: boolean, problems: readonly string[]): Step {
  const stops = isFirst && verdict.kind !== "inject";
  const isAbout = verdict.reason === "invalid_annotation" && problems.length > 0;
  const detail = isAbout ? problems.join("; ") : reasons[verdict.reason].sentence;
  return {
    by: "injector",
    step: verdict.reason,
    verdict: stops ? "stops" : "passes",
    detail: isFirst ? detail : "",
  };
}

function outcomeOf(injection: Injection): Step {
  return {
    by: "injector",
    step: injection.reason,
    verdict: injection.kind === "inject" ? "passes" : "stops",
    detail:
      injection.kind === "deny"
        ? injection.problems.join("; ")
        : reasons[injection.reason].sentence,
  };
}
