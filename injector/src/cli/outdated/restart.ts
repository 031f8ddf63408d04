/**
 * Restarts workloads, a few at a time, and waits for each to come up; the first that does not ends
 * it, because what broke one would break the others. What is done to the cluster, and the clock, are
 * passed in.
 */
import { messageOf } from "../../errors.ts";
import { assessRollout, findBlockingBudgets } from "./rollout.ts";
import { type OutdatedPod, planRestart, titleOf, type Workload } from "./workload.ts";

export type Outcome =
  | { readonly kind: "restarted" }
  /** Nothing was done to it, and why. */
  | { readonly kind: "left"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string }
  /** Another one had failed before its turn. */
  | { readonly kind: "not_begun" };

export interface RestartPorts {
  /** The object as it is now; null when there is none. */
  readonly read: (workload: Workload) => Promise<unknown>;
  /** PodDisruptionBudgets of a namespace, as the API server lists them. */
  readonly readBudgets: (namespace: string) => Promise<unknown>;
  /** Changes the template, so that the controller replaces the pods. */
  readonly rollOut: (workload: Workload) => Promise<void>;
  readonly evict: (namespace: string, pod: OutdatedPod) => Promise<"evicted" | "blocked" | "gone">;
  readonly isGone: (namespace: string, pod: OutdatedPod) => Promise<boolean>;
  /** Until it is worth looking again. */
  readonly pause: () => Promise<void>;
  readonly now: () => number;
  readonly tell: (line: string) => void;
}

export interface RestartOptions {
  /** Workloads at the same time. */
  readonly parallel: number;
  /** For each of them. */
  readonly timeoutMs: number;
  readonly ports: RestartPorts;
}

/** In the order of `workloads`. Never rejects. */
export async function restartAll(
  workloads: readonly Workload[],
  options: RestartOptions,
): Promise<readonly Outcome[]> {
  const outcomes = workloads.map((): Outcome => ({ kind: "not_begun" }));
  const queue = workloads.entries();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    for (const [index, workload] of queue) {
      const outcome = await restart(workload, options);
      outcomes[index] = outcome;
      if (outcome.kind === "failed") hasFailed = true;
      if (hasFailed) return;
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, work));
  return outcomes;
}

async function restart(workload: Workload, options: RestartOptions): Promise<Outcome> {
  const { ports } = options;
  const title = `${workload.namespace}/${titleOf(workload)}`;
  const started = ports.now();
  try {
    const outcome = await attempt(workload, title, options);
    const seconds = Math.round((ports.now() - started) / 1000);
    if (outcome.kind === "restarted") ports.tell(`${title}: up after ${seconds} s`);
    if (outcome.kind === "failed") ports.tell(`${title}: ${outcome.why}`);
    return outcome;
  } catch (error) {
    ports.tell(`${title}: ${messageOf(error)}`);
    return { kind: "failed", why: messageOf(error) };
  }
}

async function attempt(
  workload: Workload,
  title: string,
  options: RestartOptions,
): Promise<Outcome> {
  const { ports } = options;
  const object = await ports.read(workload);
  const plan = planRestart(workload, object);
  if (plan.kind === "leave") return { kind: "left", why: plan.why };
  const end = ports.now() + options.timeoutMs;
  if (plan.kind === "evict") return evictAll(workload, title, { end, ports });
  const blocking = await waitForBudgets(workload, title, { end, ports });
  if (blocking.length > 0) return { kind: "left", why: describeBudgets(blocking) };
  ports.tell(`${title}: restarting`);
  await ports.rollOut(workload);
  return waitUntilUp(workload, { end, ports });
}

interface Until {
  readonly end: number;
  readonly ports: RestartPorts;
}

const describeBudgets = (names: readonly string[]): string =>
  `PodDisruptionBudget ${names.join(", ")} lets no pod go`;

/** The names of those that still block at the end. */
async function waitForBudgets(
  workload: Workload,
  title: string,
  { end, ports }: Until,
): Promise<readonly string[]> {
  for (let told = false; ; told = true) {
    const blocking = findBlockingBudgets(await ports.readBudgets(workload.namespace), workload);
    if (blocking.length === 0 || ports.now() >= end) return blocking;
    if (!told) ports.tell(`${title}: waiting, ${describeBudgets(blocking)}`);
    await ports.pause();
  }
}

async function waitUntilUp(workload: Workload, { end, ports }: Until): Promise<Outcome> {
  for (;;) {
    const object = await ports.read(workload);
    if (object === null) return { kind: "failed", why: "it was deleted meanwhile" };
    const progress = assessRollout(workload.ref.kind, object);
    if (progress.kind === "done") return { kind: "restarted" };
    if (progress.kind === "failed") {
      return { kind: "failed", why: `did not come up: ${progress.detail}` };
    }
    if (ports.now() >= end) {
      return { kind: "failed", why: `did not come up in time: ${progress.detail}` };
    }
    await ports.pause();
  }
}

/** One pod after the other, each replaced before the next goes. */
async function evictAll(workload: Workload, title: string, until: Until): Promise<Outcome> {
  const { ports } = until;
  for (const pod of workload.pods) {
    ports.tell(`${title}: evicting pod ${pod.name}`);
    const isBlocked = await evictInTime(workload.namespace, pod, until);
    if (isBlocked) {
      const why = `a PodDisruptionBudget did not let pod ${pod.name} go in time`;
      return { kind: "left", why };
    }
    const isReplaced = await waitUntilGone(workload.namespace, pod, until);
    if (!isReplaced) return { kind: "failed", why: `pod ${pod.name} did not end in time` };
    const outcome = await waitUntilUp(workload, until);
    if (outcome.kind !== "restarted") return outcome;
  }
  return { kind: "restarted" };
}

async function evictInTime(
  namespace: string,
  pod: OutdatedPod,
  { end, ports }: Until,
): Promise<boolean> {
  for (;;) {
    if ((await ports.evict(namespace, pod)) !== "blocked") return false;
    if (ports.now() >= end) return true;
    await ports.pause();
  }
}

async function waitUntilGone(
  namespace: string,
  pod: OutdatedPod,
  { end, ports }: Until,
): Promise<boolean> {
  for (;;) {
    if (await ports.isGone(namespace, pod)) return true;
    if (ports.now() >= end) return false;
    await ports.pause();
  }
}
