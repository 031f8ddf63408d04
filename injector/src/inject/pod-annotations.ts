/**
 * Annotations that other programs read and that a pod with a bouncer needs: which container kubectl
 * means, and which of its local volumes may be lost. Pure.
 */
import { volumeName } from "bouncer/contract";
import type { Pod, StringMap } from "./kubernetes.ts";
import { findApplication } from "./mesh.ts";

const defaultContainerKey = "kubectl.kubernetes.io/default-container";

/** Without it the cluster autoscaler removes no node on which a pod has an emptyDir. */
const evictableVolumesKey = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
const evictableVolumes: readonly string[] = [volumeName.policy, volumeName.state, volumeName.audit];

export interface PodAnnotations {
  readonly added: Readonly<Record<string, string>>;
  readonly extended: Readonly<Record<string, { readonly from: string; readonly to: string }>>;
}

/** `lists`: more annotations whose items, by comma, have to be there. */
export function buildAnnotations(
  pod: Pod,
  lists: Readonly<Record<string, readonly string[]>>,
  volumes: readonly string[],
): PodAnnotations {
  const given = pod.metadata?.annotations ?? {};
  const evictable = evictableVolumes.filter((name) => volumes.includes(name));
  const wanted = { [evictableVolumesKey]: evictable, ...lists };
  const added: Record<string, string> = {};
  const extended: Record<string, { from: string; to: string }> = {};
  const application = findApplication(pod);
  if (given[defaultContainerKey] === undefined && application !== undefined) {
    added[defaultContainerKey] = application;
  }
  for (const [key, items] of Object.entries(wanted)) {
    const from = given[key];
    const to = extend(given, key, items);
    if (from === undefined) added[key] = to;
    else if (from !== to) extended[key] = { from, to };
  }
  return { added, extended };
}

/** The list without the items that made `to` of `from`. */
export function shorten(list: string, from: string, to: string): string {
  const before = toItems(from);
  const ours = toItems(to).filter((item) => !before.includes(item));
  const items = toItems(list);
  const kept = items.filter((item) => !ours.includes(item));
  return kept.length === items.length ? list : kept.join(",");
}

/** A comma-separated list. */
export const toItems = (list: string): string[] =>
  list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function extend(given: StringMap, key: string, items: readonly string[]): string {
  const kept = toItems(given[key] ?? "");
  const missing = items.filter((item) => !kept.includes(item));
  return missing.length === 0 && given[key] !== undefined
    ? given[key]
    : [...kept, ...missing].join(",");
}
