/** Election and reconciler, put together; nobody leads when the interval is 0. */
import type { Judge } from "../admission/judge.ts";
import type { Config } from "../config.ts";
import { createLeaseStore } from "../kube/leases.ts";
import type { Namespaces } from "../kube/namespaces.ts";
import { createPodStore } from "../kube/pods.ts";
import type { AskApi } from "../kube/request.ts";
import { createElection } from "./election.ts";
import type { ElectionDeps } from "./election.ts";
import { createReconciler } from "./reconciler.ts";
import type { EvictionResult, ReconcilerDeps, ReconcilerStatus } from "./reconciler.ts";

export interface StartDeps
  extends
    Pick<ElectionDeps, "identity" | "now" | "monotonic" | "timer" | "log">,
    Pick<ReconcilerDeps, "recorder" | "revision" | "onFailure"> {
  readonly ask: AskApi;
  readonly namespaces: Pick<Namespaces, "list" | "isSynced">;
  readonly judge: Pick<Judge, "judge">;
  /** Whether a new pod would get its bouncer now. */
  readonly isReady: () => boolean;
  readonly countEviction: (result: EvictionResult) => void;
}

export interface RunningReconciler {
  isLeader(): boolean;
  status(): ReconcilerStatus;
  close(): Promise<void>;
}

export function startReconciler(config: Config, deps: StartDeps): RunningReconciler {
  if (config.reconcileIntervalMs === 0) {
    const nothing = { counts: null, completedAt: null, durationMs: null };
    return { isLeader: () => false, status: () => nothing, close: () => Promise.resolve() };
  }
  const election = createElection({
    ...deps,
    store: createLeaseStore(deps.ask, config.namespace, config.lease),
    onElected: () => reconciler.trigger(),
  });
  const evictions = {
    perRun: config.evictionsPerInterval,
    isReady: deps.isReady,
    count: deps.countEviction,
  };
  const reconciler = createReconciler({
    ...deps,
    isLeader: () => election.isLeader(),
    namespaces: () => (deps.namespaces.isSynced() ? deps.namespaces.list() : null),
    judge: (pod, namespace) => deps.judge.judge(pod, namespace),
    pods: createPodStore(deps.ask),
    evictions: config.evictUnprotected ? evictions : null,
    intervalMs: config.reconcileIntervalMs,
  });
  return {
    isLeader: () => election.isLeader(),
    status: () => reconciler.status(),
    close: async () => {
      // First the work, then the right to do it.
      await reconciler.close();
      await election.close();
    },
  };
}
