/** Whether a pod that was stored runs without the bouncer it should have. Pure. */
import { containerName } from "bouncer/contract";
import * as v from "valibot";
import { controllerOf } from "../events/event.ts";
import type { ObjectReference } from "../events/event.ts";
import type { Injection } from "../inject/injection.ts";

export interface UnprotectedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly controller: ObjectReference | null;
  /** What would become of it if it were created now. */
  readonly injection: Extract<Injection, { kind: "inject" | "deny" }>;
}

const containers = v.nullish(v.array(v.object({ name: v.string() })));
const podSchema = v.object({
  metadata: v.looseObject({
    namespace: v.string(),
    name: v.string(),
    uid: v.string(),
    creationTimestamp: v.string(),
    deletionTimestamp: v.nullish(v.string()),
  }),
  spec: v.object({ containers, initContainers: containers }),
  status: v.optional(v.object({ phase: v.optional(v.string(), "") }), {}),
});
type StoredPod = v.InferOutput<typeof podSchema>;

/** Clocks differ, and a list may be older than the pod's last change. */
const youngMs = 5000;

/** Null: it has a bouncer, need not have one, or does not count. */
export function findUnprotected(
  value: unknown,
  now: number,
  judge: (pod: unknown) => Injection,
): UnprotectedPod | null {
  const parsed = v.safeParse(podSchema, value);
  if (!parsed.success || hasEnded(parsed.output) || hasBouncer(parsed.output)) return null;
  const { namespace, name, uid, creationTimestamp } = parsed.output.metadata;
  const createdAt = Date.parse(creationTimestamp);
  if (now - createdAt < youngMs) return null;
  const injection = judge(value);
  if (injection.kind === "skip") return null;
  const controller = controllerOf(parsed.output.metadata, namespace);
  return { namespace, name, uid, createdAt, controller, injection };
}

function hasEnded({ metadata, status }: StoredPod): boolean {
  if (typeof metadata.deletionTimestamp === "string") return true;
  return status.phase === "Succeeded" || status.phase === "Failed";
}

/** In either list: a native sidecar is an init container. */
function hasBouncer({ spec }: StoredPod): boolean {
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return all.some(({ name }) => name === containerName.sidecar);
}
