/**
 * The JSON patch (RFC 6902) that turns the original into the wanted pod. It is applied to the
 * original and the outcome compared before anybody sees it: a wrong patch is a bug, never a pod.
 * Pure.
 */
import jsonPatch, { type Operation } from "fast-json-patch";
import { isEqual } from "./equal.ts";
import type { Container, Pod } from "./kubernetes.ts";

/** The patch does not do what it should. */
export class PatchError extends Error {
  readonly code = "patch_mismatch";
}

export function buildPatch(original: Pod, wanted: Pod): Operation[] {
  const insertions = [
    ...insertAtFront(
      "/spec/initContainers",
      original.spec.initContainers,
      wanted.spec.initContainers,
    ),
    ...insertAtFront("/spec/containers", original.spec.containers, wanted.spec.containers),
  ];
  const started = apply(original, insertions);
  const patch = [...insertions, ...jsonPatch.compare(started, wanted)];
  if (!isEqual(apply(original, patch), wanted)) {
    throw new PatchError("Cannot build JSON patch: applied to the pod, it gives another result");
  }
  return patch;
}

function apply(pod: Pod, patch: readonly Operation[]): Pod {
  return jsonPatch.applyPatch(pod, patch, true, false).newDocument;
}

/**
 * One `add` for each container that comes first: a comparison by index would rewrite every field of
 * every container behind it.
 */
function insertAtFront(
  path: string,
  original: readonly Container[] | null | undefined,
  wanted: readonly Container[] | null | undefined,
): Operation[] {
  const known = new Set(original?.map(({ name }) => name));
  const first = wanted?.findIndex(({ name }) => known.has(name)) ?? -1;
  return (wanted ?? [])
    .slice(0, Math.max(first, 0))
    .map((value, index) => ({ op: "add", path: `${path}/${index}`, value }));
}
