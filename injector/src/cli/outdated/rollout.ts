/** How far a restart has come, by what the workload's controller writes into its status. Pure. */
import * as v from "valibot";
import { matches } from "../../settings/selector.ts";
import type { Workload } from "./workload.ts";

export type Progress =
  | { readonly kind: "done" }
  | { readonly kind: "waiting"; readonly detail: string }
  /** The controller has given up. */
  | { readonly kind: "failed"; readonly detail: string };

const count = v.optional(v.nullable(v.number(), 0), 0);

const objectSchema = v.object({
  metadata: v.object({ generation: count }),
  spec: v.object({ replicas: v.optional(v.nullable(v.number(), 1), 1) }),
  status: v.optional(
    v.object({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      desiredNumberScheduled: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
      currentRevision: v.optional(v.string(), ""),
      updateRevision: v.optional(v.string(), ""),
      conditions: v.optional(
        v.array(
          v.object({
            type: v.string(),
            reason: v.optional(v.string(), ""),
            message: v.optional(v.string(), ""),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
});
type Observed = v.InferOutput<typeof objectSchema>;

const done: Progress = { kind: "done" };
const waiting = (detail: string): Progress => ({ kind: "waiting", detail });

export function assessRollout(kind: string, object: unknown): Progress {
  const parsed = v.safeParse(objectSchema, object);
  if (!parsed.success) return { kind: "failed", detail: "its status cannot be read" };
  const { metadata, status } = parsed.output;
  if (status.observedGeneration < metadata.generation)
    return waiting("not yet seen by its controller");
  switch (kind) {
    case "Deployment":
      return assessDeployment(parsed.output);
    case "StatefulSet":
      return assessStatefulSet(parsed.output);
    case "DaemonSet":
      return assessDaemonSet(parsed.output);
    default:
      return assessReplicaSet(parsed.output);
  }
}

function assessDeployment({ spec: { replicas: wanted }, status }: Observed): Progress {
  const stuck = status.conditions.find(({ reason }) => reason === "ProgressDeadlineExceeded");
  if (stuck !== undefined) return { kind: "failed", detail: stuck.message };
  const { updatedReplicas, replicas, availableReplicas } = status;
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} of ${wanted} pods are new`);
  const old = replicas - updatedReplicas;
  if (old > 0) return waiting(`${old} old pods are still there`);
  if (availableReplicas < updatedReplicas) {
    return waiting(`${availableReplicas} of ${updatedReplicas} new pods are available`);
  }
  return done;
}

function assessStatefulSet({ spec: { replicas: wanted }, status }: Observed): Progress {
  const { updatedReplicas, readyReplicas, currentRevision, updateRevision } = status;
  // Without a change, nothing counts as updated.
  if (currentRevision !== updateRevision) {
    return waiting(`${updatedReplicas} of ${wanted} pods are new`);
  }
  return readyReplicas < wanted ? waiting(`${readyReplicas} of ${wanted} pods are ready`) : done;
}

function assessDaemonSet({ status }: Observed): Progress {
  const { desiredNumberScheduled: wanted, updatedNumberScheduled, numberAvailable } = status;
  if (updatedNumberScheduled < wanted) {
    return waiting(`${updatedNumberScheduled} of ${wanted} pods are new`);
  }
  return numberAvailable < wanted
    ? waiting(`${numberAvailable} of ${wanted} pods are available`)
    : done;
}

function assessReplicaSet({ spec: { replicas: wanted }, status }: Observed): Progress {
  const { replicas, availableReplicas } = status;
  return replicas < wanted || availableReplicas < wanted
    ? waiting(`${availableReplicas} of ${wanted} pods are available`)
    : done;
}

const budgetsSchema = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ name: v.string() }),
      spec: v.object({
        selector: v.nullish(
          v.object({
            matchLabels: v.nullish(v.record(v.string(), v.string())),
            matchExpressions: v.nullish(
              v.array(
                v.object({
                  key: v.string(),
                  operator: v.picklist(["In", "NotIn", "Exists", "DoesNotExist"]),
                  values: v.nullish(v.array(v.string())),
                }),
              ),
            ),
          }),
        ),
      }),
      status: v.optional(v.object({ disruptionsAllowed: count }), {}),
    }),
  ),
});

/** Names of PodDisruptionBudgets that let none of the workload's pods go now. */
export function findBlockingBudgets(budgets: unknown, { pods }: Workload): readonly string[] {
  const parsed = v.safeParse(budgetsSchema, budgets);
  if (!parsed.success) return [];
  return parsed.output.items
    .filter(({ spec, status }) => {
      // In policy/v1, an empty selector is all pods, and none is no pod.
      if (spec.selector === null || spec.selector === undefined) return false;
      const { matchLabels, matchExpressions } = spec.selector;
      const selector = {
        matchLabels: matchLabels ?? {},
        matchExpressions: (matchExpressions ?? []).map((one) => ({
          ...one,
          values: [...(one.values ?? [])],
        })),
      };
      return (
        status.disruptionsAllowed === 0 && pods.some(({ labels }) => matches(selector, labels))
      );
    })
    .map(({ metadata }) => metadata.name);
}
