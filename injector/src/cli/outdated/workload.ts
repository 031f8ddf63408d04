/** Outdated pods by the workload that makes them, and how that can be restarted. Pure. */
import * as v from "valibot";
import type { Reason } from "./judge.ts";

/** An object that has pods, or a pod that has nothing above it. */
export interface Ref {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

export interface OutdatedPod {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly reasons: readonly Reason[];
}

export interface Workload {
  readonly namespace: string;
  readonly ref: Ref;
  readonly pods: readonly OutdatedPod[];
}

const text = v.string();
const owner = v.object({
  apiVersion: text,
  kind: text,
  name: text,
  controller: v.optional(v.boolean(), false),
});

const podSchema = v.object({
  metadata: v.object({
    name: text,
    uid: text,
    labels: v.optional(v.nullable(v.record(text, text))),
    deletionTimestamp: v.nullish(text),
    ownerReferences: v.nullish(v.array(owner)),
  }),
  status: v.nullish(v.object({ phase: v.nullish(text) })),
});

export interface PodIdentity {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Null: nobody makes it again. */
  readonly controller: Ref | null;
}

/** Null: it ends or has ended, so it is nobody's concern any more. */
export function identifyPod(pod: unknown): PodIdentity | null {
  const parsed = v.safeParse(podSchema, pod);
  if (!parsed.success) return null;
  const { metadata, status } = parsed.output;
  const hasEnded = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (hasEnded || typeof metadata.deletionTimestamp === "string") return null;
  const { name, uid, labels } = metadata;
  return { name, uid, labels: labels ?? {}, controller: findController(metadata.ownerReferences) };
}

function findController(owners: v.InferOutput<typeof owner>[] | null | undefined): Ref | null {
  const found = (owners ?? []).find(({ controller }) => controller);
  if (found === undefined) return null;
  const { apiVersion, kind, name } = found;
  return { apiVersion, kind, name };
}

const ownedSchema = v.object({
  metadata: v.object({ ownerReferences: v.nullish(v.array(owner)) }),
});

/** Of a ReplicaSet or Job: the Deployment or CronJob that made it; null: nothing did. */
export function controllerOf(object: unknown): Ref | null {
  const parsed = v.safeParse(ownedSchema, object);
  return parsed.success ? findController(parsed.output.metadata.ownerReferences) : null;
}

/** Kinds of workloads, by group and kind: how they can be restarted, and what may be above them. */
const kinds = {
  "apps/Deployment": { restart: "rollout", mayBeOwned: false },
  "apps/StatefulSet": { restart: "rollout", mayBeOwned: false },
  "apps/DaemonSet": { restart: "rollout", mayBeOwned: false },
  "apps/ReplicaSet": { restart: "evict", mayBeOwned: true },
  "/ReplicationController": { restart: "evict", mayBeOwned: false },
  "batch/Job": { restart: "none", mayBeOwned: true },
  "batch/CronJob": { restart: "none", mayBeOwned: false },
} as const;
type Known = keyof typeof kinds;

const groupOf = ({ apiVersion }: Ref) => apiVersion.replace(/\/?[^/]*$/, "");

const isKnown = (key: string): key is Known => Object.hasOwn(kinds, key);

function knownKind(ref: Ref): Known | null {
  const key = `${groupOf(ref)}/${ref.kind}`;
  return isKnown(key) ? key : null;
}

/** Whether how it is now matters for a restart. */
export const isRestartable = (ref: Ref): boolean => {
  const kind = knownKind(ref);
  return kind !== null && kinds[kind].restart !== "none";
};

/** Whether what is above it has to be asked for. */
export function mayBeOwned(ref: Ref): boolean {
  const kind = knownKind(ref);
  return kind !== null && kinds[kind].mayBeOwned;
}

export type Plan =
  | { readonly kind: "rollout" }
  | { readonly kind: "evict" }
  /** Left alone; `why` completes a sentence about the workload. */
  | { readonly kind: "leave"; readonly why: string };

const leave = (why: string): Plan => ({ kind: "leave", why });

const workloadSchema = v.object({
  spec: v.object({
    paused: v.nullish(v.boolean()),
    updateStrategy: v.nullish(
      v.object({
        type: v.nullish(text),
        rollingUpdate: v.nullish(v.object({ partition: v.nullish(v.number()) })),
      }),
    ),
  }),
});

/** `object` is the workload as it is now; null for a pod. */
export function planRestart({ ref, pods }: Workload, object: unknown): Plan {
  const refused = pods.flatMap(({ reasons }) => reasons).find(({ code }) => code === "refused");
  if (refused !== undefined) return leave(refused.detail);
  if (ref.kind === "Pod") return leave("no controller makes it again: delete and create it");
  if (ref.kind === "Node") return leave("the kubelet runs it from a file on its node");
  const kind = knownKind(ref);
  if (kind === null) return leave(`a ${ref.kind} is restarted by its own means`);
  if (kind === "batch/Job") return leave("it runs to its end; the next one gets what is new");
  if (kind === "batch/CronJob") return leave("its next run gets what is new");
  if (kinds[kind].restart === "evict") return { kind: "evict" };
  const parsed = v.safeParse(workloadSchema, object);
  return parsed.success ? planRollout(parsed.output.spec) : leave("its spec cannot be read");
}

type Spec = v.InferOutput<typeof workloadSchema>["spec"];

function planRollout({ paused, updateStrategy }: Spec): Plan {
  if (paused === true) return leave("its rollout is paused: kubectl rollout resume");
  if (updateStrategy?.type === "OnDelete") {
    return leave("its update strategy is OnDelete: delete its pods one by one");
  }
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    return leave(`its partition is ${partition}: pods with a lower number would stay as they are`);
  }
  return { kind: "rollout" };
}

/** `deployment/web`. */
export const titleOf = ({ ref }: Workload): string => `${ref.kind.toLowerCase()}/${ref.name}`;
