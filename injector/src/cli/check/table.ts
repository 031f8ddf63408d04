/**
 * Every check of an installation: a closed table. A code is API: never renamed, never reused for
 * something else. Pure.
 */
const table = {
  webhook_present: {
    sentence: "The webhook is registered, for the creation of pods.",
    fix: "Run helm upgrade, which brings back the MutatingWebhookConfiguration.",
  },
  webhook_selectors: {
    sentence: "The webhook selects the namespaces of its revision, and not its own.",
    fix: "Run helm upgrade, which brings back the chart's selectors.",
  },
  failure_policy: {
    sentence: "Pods wait while no injector answers, instead of starting without a bouncer.",
    fix: "Set webhook.failurePolicy to Fail.",
  },
  settings: {
    sentence: "The settings are there and accepted.",
    fix: "Correct the chart's values; the field that is wrong is named.",
  },
  ca_bundle: {
    sentence: "The API server trusts an authority of the injector.",
    fix: "Look at the injector's log: it keeps caBundle up to date, within 30 seconds.",
  },
  serving_certificate: {
    sentence: "The serving certificate has its key and the Service's name, and is trusted.",
    fix: "Look at the injector's log. Deleting the data of the Secret makes everything anew.",
  },
  certificate_expiry: {
    sentence: "The serving certificate is renewed in time, when a third of its life is left.",
    fix: "Look at the injector's log: it could not renew the certificate.",
  },
  endpoints: {
    sentence: "Every replica of the injector is ready.",
    fix: "Look at its pods: kubectl get pods -n NAMESPACE -l app.kubernetes.io/component=injector",
  },
  reachable: {
    sentence: "A pod that is created, as a dry run, comes back with a bouncer.",
    fix: "Look at what the API server says; networks must let it reach the injector's port.",
  },
  permissions: {
    sentence: "The injector's service account may do what it needs.",
    fix: "Run helm upgrade, which brings back its roles.",
  },
  versions: {
    sentence: "Command line, injector and bouncer are of one version.",
    fix: "Upgrade what is older; kubectl bouncer outdated lists pods with an older bouncer.",
  },
  kubernetes_versions: {
    sentence:
      "Kubernetes has native sidecars and match conditions, and its kubelets are not too old.",
    fix: "Upgrade what is named: native sidecars need 1.29, match conditions 1.30.",
  },
  one_webhook: {
    sentence: "No namespace is selected by two webhooks.",
    fix: "Give each installation another revision, and move namespaces by the label bouncer.dev/rev.",
  },
  revisions_served: {
    sentence: "Every namespace that asks for bouncers is served by an installation.",
    fix: "Correct the label bouncer.dev/rev of the namespace, or install that revision.",
  },
  bridge_endpoints: {
    sentence: "Every replica of the bridge is ready.",
    fix: "Look at its pods: kubectl get pods -n NAMESPACE -l app.kubernetes.io/component=bridge",
  },
  policy_bundle: {
    sentence: "The bridge has a policy bundle.",
    fix: "Create it, as the chart's notes say (helm get notes): until then, every request is refused.",
  },
} as const satisfies Record<string, { readonly sentence: string; readonly fix: string }>;

export type CheckCode = keyof typeof table;

export const checks: Readonly<
  Record<CheckCode, { readonly sentence: string; readonly fix: string }>
> = table;

/** Of checks that are not about the whole cluster. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

export type Result = "ok" | "warning" | "failure";

export interface Checked {
  readonly code: CheckCode;
  /** `namespace/name`; null: about the whole cluster. */
  readonly installation: string | null;
  readonly result: Result;
  readonly detail: string;
  /** What to do; null when nothing has to be done. */
  readonly fix: string | null;
}

export type Report = (code: CheckCode, result: Result, detail: string) => Checked;

/** Writes rows about one installation, or about the cluster. */
export function reportAbout(place: Place | null): Report {
  const installation = place === null ? null : `${place.namespace}/${place.name}`;
  return (code, result, detail) => {
    const fix = checks[code].fix.replace("NAMESPACE", place?.namespace ?? "NAMESPACE");
    return { code, installation, result, detail, fix: result === "ok" ? null : fix };
  };
}
