/**
 * The JSON patch (RFC 6902) that turns the original into the wanted pod. It is applied to the
 * original and the outcome compared before anybody sees it: a wrong patch is a bug, never a pod.
 * Nothing is copied but what the patch changes, because the wanted pod shares the rest with the
 * original: a pod of a megabyte costs no more than a small one. Pure.
 */
import jsonPatch, { type Operation } from "fast-json-patch";
import { InjectorError } from "../errors.ts";
import { isEqual } from "./equal.ts";
import type { Container, Pod } from "./kubernetes.ts";

export function buildPatch(original: Pod, wanted: Pod): Operation[] {
  const insertions = [
    ...insert("/spec/initContainers", original.spec.initContainers, wanted.spec.initContainers),
    ...insert("/spec/containers", original.spec.containers, wanted.spec.containers),
  ];
  const started = apply(original, insertions);
  const patch = [...insertions, ...jsonPatch.compare(started, wanted)];
  if (!isEqual(apply(original, patch), wanted)) {
    throw new InjectorError("internal", "Cannot build JSON patch: it does not give the wanted pod");
  }
  return patch;
}

/**
 * Of the pod, only what operations change is copied; the copies become the wanted pod's equal. One
 * by one, since an operation moves what the paths of those behind it mean.
 */
function apply(pod: Pod, patch: readonly Operation[]): Pod {
  const copy = { ...pod };
  const copied = new Set<unknown>([copy]);
  for (const operation of patch) {
    unshare(copy, copied, operation.path);
    jsonPatch.applyOperation(copy, operation, true, true);
  }
  return copy;
}

/** Puts copies of their own into everything that is on the way. */
function unshare(copy: Pod, copied: Set<unknown>, path: string): void {
  let owner: unknown = copy;
  for (const token of path.split("/").slice(1, -1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isObject(owner) || !Object.hasOwn(owner, key)) return;
    const value = owner[key];
    if (!isObject(value)) return;
    const own = copied.has(value) ? value : copyOf(value);
    copied.add(own);
    owner[key] = own;
    owner = own;
  }
}

// A list has its indexes as keys, which is all that is read of it here.
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const copyOf = (value: object): object => (Array.isArray(value) ? value.slice() : { ...value });

/**
 * One `add` for each new container: a comparison by index would rewrite every field of every
 * container behind it. Only when the others are as they were; else nothing, and the comparison it is.
 */
function insert(
  path: string,
  original: readonly Container[] | null | undefined,
  wanted: readonly Container[] | null | undefined,
): Operation[] {
  const before = (original ?? []).map(({ name }) => name);
  const known = new Set(before);
  const kept = (wanted ?? []).filter(({ name }) => known.has(name));
  const isSame =
    before.length > 0 &&
    kept.length === before.length &&
    kept.every(({ name }, index) => name === before[index]);
  if (!isSame) return [];
  return (wanted ?? []).flatMap((value, index): Operation[] =>
    known.has(value.name) ? [] : [{ op: "add", path: `${path}/${index}`, value }],
  );
}
