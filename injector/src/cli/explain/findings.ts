/**
 * What `explain` can find besides the reasons of the injector itself: a closed table. A code is API:
 * never renamed, never reused for something else. Pure.
 */
import { type ReasonCode, reasons } from "../../admission/reasons.ts";

const table = {
  no_installation: {
    sentence: "No injector is registered in the cluster, so no pod is given a bouncer.",
    fix: "Install the chart, or run helm upgrade if its MutatingWebhookConfiguration was deleted.",
  },
  not_sent: {
    sentence: "The API server does not send the pod to the injector, which would inject it.",
    fix: "Look at the step that stops it: helm upgrade brings back the selectors of the chart.",
  },
  condition_unknown: {
    sentence: "A match condition of the webhook cannot be evaluated here.",
    fix: "Ask the API server: kubectl create --dry-run=server -o yaml, and look for bouncer-sidecar.",
  },
  settings_unreadable: {
    sentence: "The settings of the injector cannot be read, so its decision is not known.",
    fix: "Let somebody ask who may read its ConfigMap.",
  },
  carries_bouncer: {
    sentence: "The pod carries a bouncer.",
    fix: "-",
  },
  created_before_installation: {
    sentence: "The pod has no bouncer: it was created before the injector was installed.",
    fix: "Create it anew: kubectl rollout restart of its owner, or delete it.",
  },
  created_before_label: {
    sentence:
      "The pod has no bouncer: it was created before the labels of its namespace were last written.",
    fix: "Create it anew: kubectl rollout restart of its owner, or delete it.",
  },
  webhook_may_have_been_down: {
    sentence:
      "The pod has no bouncer, and would get one now. The webhook's failurePolicy is Ignore, so it may have been created while no injector answered.",
    fix: "Create it anew, and set webhook.failurePolicy to Fail.",
  },
  created_otherwise: {
    sentence:
      "The pod has no bouncer, and would get one now: settings, labels or the webhook were different when it was created.",
    fix: "Create it anew: kubectl rollout restart of its owner, or delete it.",
  },
} as const satisfies Record<string, { readonly sentence: string; readonly fix: string }>;

export type FindingCode = keyof typeof table | ReasonCode;

export interface Finding {
  readonly code: FindingCode;
  readonly sentence: string;
  readonly fix: string;
}

type Text = Omit<Finding, "code">;

export type CauseCode = keyof typeof table;

export const findings: Readonly<Record<CauseCode, Text>> = table;
const all: Readonly<Record<FindingCode, Text>> = { ...reasons, ...table };

/** `namespace` is filled into commands that name one. */
export function find(code: FindingCode, namespace: string): Finding {
  const { sentence, fix } = all[code];
  return { code, sentence, fix: fix.replace("namespace NAME", `namespace ${namespace}`) };
}
