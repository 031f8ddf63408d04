/**
 * Which unprotected pods are evicted, and in what order; pure but for what it remembers. An
 * eviction has to help: the controller must make a new pod, the new pod must get a bouncer, and
 * nothing that ends by itself is lost.
 */
import type { UnprotectedPod } from "./unprotected.ts";

/**
 * Controllers that make a new pod at once, wherever there is room. Not those of Jobs, whose work
 * would begin again; not DaemonSets, where nothing takes over on the node meanwhile and PDBs hardly
 * ever speak of them; not those that are unknown here, which may make no new pod.
 */
const replacing = ["apps/ReplicaSet", "apps/StatefulSet", "/ReplicationController"];

export function isEvictable({ controller, injection }: UnprotectedPod): boolean {
  // Created again, a pod that is denied would be gone altogether.
  if (controller === null || injection.kind !== "inject") return false;
  const { apiVersion, kind } = controller;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return replacing.includes(`${group}/${kind}`);
}

export interface Candidates {
  /** Called for each unprotected pod of a pass. Says what is new about its controller. */
  consider(pod: UnprotectedPod, now: number): "taken" | "left" | "fruitless";
  /** The pods of this pass, at most one of each controller; the next pass begins empty. */
  take(): UnprotectedPod[];
  evicted(pod: UnprotectedPod, now: number): void;
  /** Left alone for a while, so that others get their turn. */
  blocked(pod: UnprotectedPod, now: number): void;
}

interface Memory {
  readonly evictedAt: number | null;
  readonly restUntil: number;
}

/** Of each pass; more would only be asked for in vain. */
const maxCandidates = 50;
const blockedRestMs = 30_000;
const fruitlessRestMs = 60 * 60_000;
const maxControllers = 5000;

export function createCandidates(): Candidates {
  const memory = new Map<string, Memory>();
  let taken = new Map<string, UnprotectedPod>();
  const remember = (uid: string, next: Memory): void => {
    memory.delete(uid);
    memory.set(uid, next);
    const [oldest] = memory.keys();
    if (memory.size > maxControllers && oldest !== undefined) memory.delete(oldest);
  };
  return {
    consider: (pod, now) => {
      const uid = uidOf(pod);
      if (!isEvictable(pod) || taken.has(uid) || taken.size >= maxCandidates) return "left";
      const { evictedAt, restUntil } = memory.get(uid) ?? { evictedAt: null, restUntil: 0 };
      if (now < restUntil) return "left";
      if (evictedAt !== null && pod.createdAt > evictedAt) {
        // The last eviction brought a pod without a bouncer: the next would, too.
        remember(uid, { evictedAt: null, restUntil: now + fruitlessRestMs });
        return "fruitless";
      }
      taken.set(uid, pod);
      return "taken";
    },
    take: () => {
      const pods = [...taken.values()];
      taken = new Map();
      return pods;
    },
    evicted: (pod, now) => remember(uidOf(pod), { evictedAt: now, restUntil: 0 }),
    blocked: (pod, now) => {
      const evictedAt = memory.get(uidOf(pod))?.evictedAt ?? null;
      remember(uidOf(pod), { evictedAt, restUntil: now + blockedRestMs });
    },
  };
}

const uidOf = ({ controller }: UnprotectedPod): string => controller?.uid ?? "";
