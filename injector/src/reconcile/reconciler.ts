/**
 * The leader's work: counts the unprotected pods of every namespace that has asked for bouncers,
 * and those that are left out, tells of them by Events, and evicts a few of the unprotected if the
 * operator wants that. The decision about a pod is the one of the webhook.
 */
import { InjectorError, messageOf } from "../errors.ts";
import type { Recorder } from "../events/recorder.ts";
import type { Namespace } from "../kube/namespaces.ts";
import type { PodStore } from "../kube/pods.ts";
import { createLoop } from "../loop.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import { createCandidates } from "./candidates.ts";
import { lookAtPods } from "./pass.ts";
import type { PassDeps, PodCounts } from "./pass.ts";
import { scopeOf } from "./scope.ts";
import { describeFinding } from "./telling.ts";
import type { UnprotectedPod } from "./unprotected.ts";

export type EvictionResult = "evicted" | "blocked" | "gone" | "failed";

/** For metrics. */
export interface ReconcilerStatus {
  /** By namespace. Null: this replica does not lead, or has not looked yet. */
  readonly counts: ReadonlyMap<string, PodCounts> | null;
  /** Milliseconds since the epoch; null before the first complete run. */
  readonly completedAt: number | null;
  readonly durationMs: number | null;
}

export interface ReconcilerDeps {
  readonly isLeader: () => boolean;
  /** Null: not listed yet. */
  readonly namespaces: () => readonly Namespace[] | null;
  /** Of this installation. */
  readonly revision: () => string;
  readonly judge: PassDeps["judge"];
  readonly pods: PodStore;
  readonly recorder: Pick<Recorder, "record">;
  /** Null: nothing is evicted. */
  readonly evictions: {
    readonly perRun: number;
    /** Whether a new pod would get its bouncer now. */
    readonly isReady: () => boolean;
    readonly count: (result: EvictionResult) => void;
  } | null;
  readonly onFailure: () => void;
  readonly intervalMs: number;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly timer: Timer;
  readonly log: Log;
}

export interface Reconciler {
  /** Looks now rather than at the next interval. */
  trigger(): void;
  status(): ReconcilerStatus;
  close(): Promise<void>;
}

const retryMs = 5000;

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { log, now } = deps;
  const nothing: ReconcilerStatus = { counts: null, completedAt: null, durationMs: null };
  const candidates = createCandidates();
  let status = nothing;
  let lastTotal: number | null = null;
  let closed = false;
  const mayGoOn = (): boolean => !closed && deps.isLeader();

  const consider = (pod: UnprotectedPod, served: boolean): void => {
    if (deps.evictions === null || !served) return;
    if (candidates.consider(pod, now()) !== "fruitless") return;
    const { namespace, name: of, kind } = pod.controller ?? { ...pod, kind: "Pod" };
    log.warn({ namespace, pod: pod.name, owner: `${kind}/${of}` }, "eviction did not help");
  };

  const onFound: PassDeps["onFound"] = (finding, { namespace, served }) => {
    for (const draft of describeFinding(finding, namespace)) deps.recorder.record(draft);
    if (finding.kind === "unprotected") consider(finding.pod, served);
  };

  const look = async (): Promise<void> => {
    const started = deps.monotonic();
    const revision = deps.revision();
    const namespaces = deps.namespaces();
    if (namespaces === null) {
      throw new InjectorError("api_failed", "Cannot count pods: namespaces are not listed yet");
    }
    const scopes = namespaces.flatMap((namespace) => scopeOf(namespace, revision) ?? []);
    const { pods, judge } = deps;
    const result = await lookAtPods({ scopes, pods, judge, now, mayGoOn, onFound });
    const chosen = candidates.take();
    // Another leads by now, and counts.
    if (!mayGoOn()) return;
    const counts = new Map(
      scopes.flatMap(({ namespace: { name } }) => {
        // What could not be listed stays as it was.
        const known = result.counts.get(name) ?? status.counts?.get(name);
        return known === undefined ? [] : [[name, known] as const];
      }),
    );
    const durationMs = deps.monotonic() - started;
    status = { ...status, counts, durationMs };
    const total = [...counts.values()].reduce((sum, { unprotected }) => sum + unprotected, 0);
    const facts = { namespaces: scopes.length, unprotected: total, seconds: durationMs / 1000 };
    if (total !== lastTotal) log[total > 0 ? "warn" : "info"](facts, "unprotected pods counted");
    lastTotal = total;
    await evict(chosen);
    const { failures } = result;
    const [failure] = failures;
    if (failure === undefined) {
      status = { ...status, completedAt: now() };
      return;
    }
    const more = failures.length > 1 ? ` (and ${failures.length - 1} more namespaces)` : "";
    throw new InjectorError("api_failed", `${failure.detail}${more}`);
  };

  const evict = async (chosen: readonly UnprotectedPod[]): Promise<void> => {
    if (deps.evictions === null) return;
    const { perRun, isReady, count } = deps.evictions;
    let left = perRun;
    for (const pod of chosen) {
      if (left === 0 || !mayGoOn()) return;
      // The new pod would be as unprotected, or refused.
      if (!isReady()) {
        log.warn({}, "nothing evicted: the webhook is not ready");
        return;
      }
      const result = await evictOne(pod);
      count(result);
      if (result === "evicted") left -= 1;
    }
  };

  const evictOne = async (pod: UnprotectedPod): Promise<EvictionResult> => {
    const { namespace, name } = pod;
    try {
      const result = await deps.pods.evict(pod);
      if (result === "evicted") candidates.evicted(pod, now());
      if (result === "blocked") candidates.blocked(pod, now());
      log.info({ namespace, pod: name, result }, "eviction asked for");
      return result;
    } catch (error) {
      candidates.blocked(pod, now());
      log.warn({ namespace, pod: name, detail: messageOf(error) }, "eviction failed");
      return "failed";
    }
  };

  const loop = createLoop({
    task: async () => {
      if (deps.isLeader()) await look();
      else status = nothing;
    },
    onError: (error) => {
      deps.onFailure();
      log.warn({ detail: messageOf(error) }, "pods not counted");
    },
    intervalMs: deps.intervalMs,
    retryMs,
    timer: deps.timer,
  });
  return {
    trigger: () => loop.trigger(),
    status: () => (deps.isLeader() ? status : nothing),
    close: async () => {
      closed = true;
      await loop.close();
    },
  };
}
