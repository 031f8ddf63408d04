/** All checks, over what was read: each gives a row, whatever the others say. Pure. */
import { checkCertificates } from "./certificates.ts";
import { checkNamespaces } from "./namespaces.ts";
import { checkServingSide } from "./serving.ts";
import type { Asker, ClusterState } from "./state.ts";
import { type Checked, reportAbout } from "./table.ts";
import { checkKubernetes, checkVersions } from "./versions.ts";
import { checkWebhook } from "./webhook.ts";

export function evaluate(state: ClusterState, asker: Asker): Checked[] {
  const report = reportAbout(null);
  const absent =
    state.states.length === 0 && state.unregistered.length === 0
      ? [report("webhook_present", "failure", "there is no installation")]
      : [];
  const unregistered = state.unregistered.map((title) =>
    report("webhook_present", "failure", `Deployment ${title} runs, and its webhook is not there`),
  );
  return [
    ...absent,
    ...unregistered,
    ...state.states.flatMap((one) => [
      ...checkWebhook(one.installation),
      ...checkCertificates(one, asker),
      ...checkServingSide(one),
      checkVersions(one.installation, asker),
    ]),
    checkKubernetes(state),
    ...checkNamespaces(state),
  ];
}
