/** What `outdated --restart` does to a cluster. */
import { AppsV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { KubeConfig } from "@kubernetes/client-node";
import * as v from "valibot";
import { apiFailure } from "../../kube/failure.ts";
import type { PodStore } from "../../kube/pods.ts";
import type { AskApi } from "../../kube/request.ts";
import type { RestartPorts } from "./restart.ts";
import { readObject } from "./survey.ts";
import { isRestartable, type OutdatedPod, type Workload } from "./workload.ts";

/** The one that `kubectl rollout restart` writes. */
const restartedAt = "kubectl.kubernetes.io/restartedAt";

export interface WorldDeps {
  readonly kubeConfig: KubeConfig;
  readonly ask: AskApi;
  readonly pods: Pick<PodStore, "evict">;
  readonly now: () => number;
}

export function createWorld(deps: WorldDeps): Omit<RestartPorts, "pause" | "now" | "tell"> {
  const { ask, pods } = deps;
  return {
    // The user may not even be allowed to read other kinds.
    read: async ({ namespace, ref }) =>
      isRestartable(ref) ? readObject(namespace, ref, ask) : null,
    readBudgets: async (namespace) => {
      const space = encodeURIComponent(namespace);
      const path = `/apis/policy/v1/namespaces/${space}/poddisruptionbudgets`;
      try {
        return await ask({ method: "GET", path });
      } catch (error) {
        throw apiFailure(`list PodDisruptionBudgets of namespace "${namespace}"`, error);
      }
    },
    rollOut: (workload) => rollOut(workload, deps),
    evict: (namespace, { name, uid }) => pods.evict({ namespace, name, uid }),
    isGone: (namespace, pod) => isGone(namespace, pod, ask),
  };
}

async function rollOut(
  { namespace, ref }: Workload,
  { kubeConfig, now }: WorldDeps,
): Promise<void> {
  const { kind, name } = ref;
  const annotations = { [restartedAt]: new Date(now()).toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  const options = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
  const api = kubeConfig.makeApiClient(AppsV1Api);
  const request = { name, namespace, body };
  try {
    if (kind === "Deployment") await api.patchNamespacedDeployment(request, options);
    else if (kind === "StatefulSet") await api.patchNamespacedStatefulSet(request, options);
    else await api.patchNamespacedDaemonSet(request, options);
  } catch (error) {
    throw apiFailure(`restart ${kind} "${namespace}/${name}"`, error);
  }
}

const uidSchema = v.object({ metadata: v.object({ uid: v.string() }) });

/** Its name may be that of another by now. */
async function isGone(namespace: string, pod: OutdatedPod, ask: AskApi): Promise<boolean> {
  const ref = { apiVersion: "v1", kind: "Pod", name: pod.name };
  const found = v.safeParse(uidSchema, await readObject(namespace, ref, ask));
  return !found.success || found.output.metadata.uid !== pod.uid;
}
