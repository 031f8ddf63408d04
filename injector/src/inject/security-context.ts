/**
 * Security contexts of the added containers. Every field that a pod-level context could set is set
 * here, so that nothing the user wrote for the application can break or loosen ours. Pure.
 */
import { bouncerUid } from "bouncer/contract";
import type { StringMap } from "./kubernetes.ts";

/** `1000650000/10000`: first user and how many; OpenShift's restricted SCC allows no other. */
const uidRangeKey = "openshift.io/sa.scc.uid-range";

/**
 * User and group of the added containers. In a namespace of OpenShift the last of its range: the
 * first is what the application gets when it names none.
 */
export function chooseUser(namespaceAnnotations: StringMap): number {
  const range = /^(\d{1,10})\/(\d{1,10})$/.exec(namespaceAnnotations[uidRangeKey] ?? "");
  const [first, size] = [Number(range?.[1]), Number(range?.[2])];
  return size > 0 ? first + size - 1 : bouncerUid;
}

/** Pod Security Standard "restricted". */
export const buildRestricted = (user: number) => ({
  runAsUser: user,
  runAsGroup: user,
  runAsNonRoot: true,
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
});

/** As restricted, but root with the one capability that changing netfilter rules needs. */
export const redirecting = {
  ...buildRestricted(0),
  runAsNonRoot: false,
  capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
};
