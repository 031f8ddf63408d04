/**
 * Whether a pod is injected. The rules are ordered lists, and the first that applies decides, so
 * they read as the specification. Whoever cannot be understood is injected. Pure.
 */
import type { Warning } from "../inject/injection.ts";
import { type Facts, injectKey } from "./facts.ts";
import { type DenyCode, type SkipCode, warn } from "./reasons.ts";

export interface Powers {
  readonly allowOptOut: boolean;
  readonly nativeSidecar: boolean;
}

export type Admission =
  | { readonly kind: "inject"; readonly warnings: readonly Warning[] }
  | { readonly kind: "skip"; readonly reason: SkipCode }
  | { readonly kind: "deny"; readonly reason: DenyCode };

type Applies = (facts: Facts, may: Powers) => boolean;

const skips: readonly (readonly [code: SkipCode, applies: Applies])[] = [
  ["namespace_ignored", (facts) => facts.namespaceIgnored],
  ["injector_namespace", (facts) => facts.injectorNamespace],
  ["namespace_not_labelled", (facts) => !facts.namespaceLabelled],
  ["opted_out", (facts, may) => may.allowOptOut && facts.injectValues.includes("false")],
  ["host_network", (facts) => facts.hostNetwork],
  ["windows", (facts) => facts.windows],
];

const denies: readonly (readonly [code: DenyCode, applies: Applies])[] = [
  ["needs_native_sidecar", (facts, may) => facts.finishes && !may.nativeSidecar],
];

export function decide(facts: Facts, may: Powers): Admission {
  const skip = skips.find(([, applies]) => applies(facts, may));
  if (skip !== undefined) return { kind: "skip", reason: skip[0] };
  const deny = denies.find(([, applies]) => applies(facts, may));
  if (deny !== undefined) return { kind: "deny", reason: deny[0] };
  return { kind: "inject", warnings: warningsOf(facts) };
}

/** Reached only when the pod is injected, so a "false" here is one that the operator forbids. */
function warningsOf({ injectValues }: Facts): Warning[] {
  return [...new Set(injectValues)]
    .filter((value) => value !== "true")
    .map((value) =>
      warn(
        value === "false" ? "opt_out_forbidden" : "invalid_inject_value",
        `${injectKey} is "${value}"`,
      ),
    );
}
