/** The Events of a pod that a count has found. Pure. */
import { describeAdmission, describeUnprotected, subjectOf } from "../events/event.ts";
import type { EventDraft } from "../events/event.ts";
import type { Namespace } from "../kube/namespaces.ts";
import { isWish } from "./left-out.ts";
import type { Finding } from "./unprotected.ts";

/**
 * A pod that is left out is told of as the webhook would, which may never be asked about it: the
 * API server leaves such pods out by itself. None where somebody wished so.
 */
export function describeFinding(
  finding: Finding,
  namespace: Pick<Namespace, "labels">,
): EventDraft[] {
  const { pod } = finding;
  const subject = pod.controller ?? subjectOf({ name: pod.name }, pod.namespace);
  const about = { ...subject, uid: subject.uid ?? pod.uid };
  if (finding.kind === "unprotected") {
    return [describeUnprotected(about, pod.name, finding.pod.injection)];
  }
  if (isWish(finding.pod.code)) return [];
  return describeAdmission(about, namespace, finding.pod.injection);
}
