/**
 * Security contexts of the added containers. Every field that a pod-level context could set is set
 * here, so that nothing the user wrote for the application can break or loosen ours. Pure.
 */
import { bouncerUid } from "bouncer/contract";

/** Pod Security Standard "restricted". */
export const restricted = {
  runAsUser: bouncerUid,
  runAsGroup: bouncerUid,
  runAsNonRoot: true,
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** As restricted, but root with the one capability that changing netfilter rules needs. */
export const redirecting = {
  ...restricted,
  runAsUser: 0,
  runAsGroup: 0,
  runAsNonRoot: false,
  capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
} as const;
