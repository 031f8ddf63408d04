/** Whether a stored pod runs without a bouncer, and whether it should have one. Pure. */
import { containerName } from "bouncer/contract";
import * as v from "valibot";
import { controllerOf } from "../events/event.ts";
import type { ObjectReference } from "../events/event.ts";
import type { Injection } from "../inject/injection.ts";
import { leftOutCodeOf } from "./left-out.ts";
import type { LeftOutCode } from "./left-out.ts";

interface FoundPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly controller: ObjectReference | null;
}

export interface UnprotectedPod extends FoundPod {
  /** What would become of it if it were created now. */
  readonly injection: Extract<Injection, { kind: "inject" | "deny" }>;
}

export interface LeftOutPod extends FoundPod {
  readonly code: LeftOutCode;
  readonly injection: Extract<Injection, { kind: "skip" }>;
}

export type Finding =
  | { readonly kind: "unprotected"; readonly pod: UnprotectedPod }
  | { readonly kind: "left_out"; readonly pod: LeftOutPod };

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

/** Null: it has a bouncer, its namespace has none, or it does not count. */
export function classifyPod(
  value: unknown,
  now: number,
  judge: (pod: unknown) => Injection,
): Finding | null {
  const parsed = v.safeParse(podSchema, value);
  if (!parsed.success || hasEnded(parsed.output) || hasBouncer(parsed.output)) return null;
  const { namespace, name, uid, creationTimestamp } = parsed.output.metadata;
  const createdAt = Date.parse(creationTimestamp);
  if (now - createdAt < youngMs) return null;
  const injection = judge(value);
  const controller = controllerOf(parsed.output.metadata, namespace);
  const found = { namespace, name, uid, createdAt, controller };
  if (injection.kind !== "skip") return { kind: "unprotected", pod: { ...found, injection } };
  const code = leftOutCodeOf(injection.reason);
  return code === null ? null : { kind: "left_out", pod: { ...found, code, injection } };
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
