/**
 * The JSON patch (RFC 6902) that turns the original into the wanted pod. It is applied to the
 * original and the outcome compared before anybody sees it: a wrong patch is a bug, never a pod.
 * Pure.
 */
import jsonPatch, { type Operation } from "fast-json-patch";
import { InjectorError } from "../errors.ts";
import { isEqual } from "./equal.ts";
import type { Container, Pod } from "./kubernetes.ts";

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
    throw new InjectorError("internal", "Cannot build JSON patch: it does not give the wanted pod");
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
