/**
 * Whether the sidecar can be an init container with `restartPolicy: Always` (KEP-753): on by
 * default from Kubernetes 1.29 on, in the API server, which else drops the field, and in every
 * kubelet, which else waits for the container to end. Pure.
 */
import type { ClusterFacts } from "../inject/injection.ts";

const since = { major: 1, minor: 29 } as const;

/** `v1.29.3-gke.100` or `1.29+`; what has no version at all is not judged. */
export function supportsNative(version: string): boolean {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return true;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > since.major || (major === since.major && minor >= since.minor);
}

/** The first version that is too old, with whose it is; null: none, as far as is known. */
export function findTooOld({ apiServer, oldestKubelet }: ClusterFacts): string | null {
  if (apiServer !== null && !supportsNative(apiServer)) return `the API server is ${apiServer}`;
  if (oldestKubelet !== null && !supportsNative(oldestKubelet)) {
    return `the oldest kubelet is ${oldestKubelet}`;
  }
  return null;
}

export function prefersNative(asked: boolean | "auto", cluster: ClusterFacts): boolean {
  return asked === "auto" ? findTooOld(cluster) === null : asked;
}
