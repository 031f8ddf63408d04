/** The last lines of those of our containers that ended badly. */
import { CoreV1Api } from "@kubernetes/client-node";
import type { KubeConfig } from "@kubernetes/client-node";
import { apiFailure } from "../../kube/failure.ts";
import { type Asked, known, missing } from "./checks.ts";
import type { ContainerFacts, PodFacts } from "./pod.ts";

const tailLines = 5;

export async function readLogs(
  pod: PodFacts,
  kubeConfig: KubeConfig,
): Promise<Readonly<Record<string, Asked<readonly string[]>>>> {
  const failed = [pod.redirect, pod.loader, pod.sidecar].flatMap((container) =>
    container !== null && endedBadly(container) ? [container] : [],
  );
  const entries = failed.map(
    async (container) => [container.name, await readLog(container, pod, kubeConfig)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

function endedBadly({ state, lastEnd }: ContainerFacts): boolean {
  const end = state.kind === "ended" ? state : lastEnd;
  return end !== null && end.exitCode !== 0;
}

async function readLog(
  { name: container, state }: ContainerFacts,
  { name, namespace }: PodFacts,
  kubeConfig: KubeConfig,
): Promise<Asked<readonly string[]>> {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  // What waits or runs again has its last words in the log of the run before.
  const previous = state.kind !== "ended";
  try {
    const text = await api.readNamespacedPodLog({
      name,
      namespace,
      container,
      tailLines,
      previous,
    });
    return known(text.split("\n").filter((line) => line.trim() !== ""));
  } catch (error) {
    const { message } = apiFailure(`read the log of ${container}`, error);
    return missing(message, `Needed is the permission to get pods/log in namespace "${namespace}"`);
  }
}
