/** Checks of the webhook's registration and of the settings. Pure. */
import { namespaceLabel, revisionLabel } from "../../admission/facts.ts";
import type { StringMap } from "../../inject/kubernetes.ts";
import { findUnmet, isForPods } from "../explain/matching.ts";
import type { Installation } from "../installation.ts";
import { type Checked, reportAbout } from "./table.ts";

export function checkWebhook(installation: Installation): Checked[] {
  return [
    checkRules(installation),
    checkSelectors(installation),
    checkFailurePolicy(installation),
    checkSettings(installation),
  ];
}

function checkRules(installation: Installation): Checked {
  const report = reportAbout(installation);
  const { webhook, configuration } = installation;
  const name = configuration.metadata?.name ?? "";
  if (!(webhook.rules ?? []).some(isForPods)) {
    return report("webhook_present", "failure", `${name} has no rule for CREATE of pods`);
  }
  const { path = "/" } = webhook.clientConfig.service ?? {};
  return path === "/mutate"
    ? report("webhook_present", "ok", name)
    : report("webhook_present", "failure", `${name} calls ${path}; accepted is /mutate`);
}

/** By what they select of namespaces made up for it: how they are written does not matter. */
function checkSelectors(installation: Installation): Checked {
  const report = reportAbout(installation);
  const { revision, namespace } = installation;
  if (revision === null) return report("webhook_selectors", "warning", "its revision is not known");
  const select = (name: string, labels: StringMap) =>
    findUnmet(installation.webhook.namespaceSelector, {
      "kubernetes.io/metadata.name": name,
      ...labels,
    });
  const own = labelsFor(revision);
  const unmet = select("bouncer-example", own);
  const wrong = [
    ...unmet.map(
      (requirement) => `a namespace with ${describe(own)} is not selected: ${requirement}`,
    ),
    ...(select(namespace, own).length === 0
      ? [`its own namespace would be selected, where it would wait for itself`]
      : []),
    ...(select("kube-system", own).length === 0 ? ["kube-system would be selected"] : []),
    ...(select("bouncer-example", labelsFor(`${revision}-other`)).length === 0
      ? ["namespaces of other revisions are selected"]
      : []),
  ];
  if (wrong.length > 0) return report("webhook_selectors", "failure", wrong.join("; "));
  return report("webhook_selectors", "ok", `namespaces with ${describe(own)}`);
}

export function labelsFor(revision: string): StringMap {
  return {
    [namespaceLabel.name]: namespaceLabel.value,
    ...(revision !== "" && { [revisionLabel]: revision }),
  };
}

export function describe(labels: StringMap): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}

function checkFailurePolicy(installation: Installation): Checked {
  const policy = installation.webhook.failurePolicy ?? "Fail";
  return reportAbout(installation)("failure_policy", policy === "Fail" ? "ok" : "warning", policy);
}

function checkSettings(installation: Installation): Checked {
  const report = reportAbout(installation);
  const { settingsAre, problems } = installation;
  if (settingsAre === "accepted") return report("settings", "ok", "");
  return report("settings", settingsAre === "refused" ? "failure" : "warning", problems.join("; "));
}
