/**
 * `bouncer-injector self-test --namespace NAME`, run by `helm test`: asks the API server to create a
 * pod in a labelled namespace, as a dry run, and looks whether it came back with a bouncer. That is
 * the whole way: selectors, TLS, caBundle, the Service, the webhook and its answer.
 */
import { CoreV1Api } from "@kubernetes/client-node";
import type { KubeConfig, V1Pod } from "@kubernetes/client-node";
import { containerName } from "bouncer/contract";
import { apiFailure } from "./failure.ts";

/** Made by the chart, as the namespace's own service account comes a moment after the namespace. */
const serviceAccountName = "bouncer-self-test";

const pod: V1Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "bouncer-self-test-" },
  spec: {
    serviceAccountName,
    containers: [
      { name: "app", image: "registry.k8s.io/pause:3.10", ports: [{ containerPort: 3000 }] },
    ],
  },
};

/** The names of what is missing; empty when the pod is complete. Rejects when it was refused. */
export async function selfTest(kubeConfig: KubeConfig, namespace: string): Promise<string[]> {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  try {
    const created = await api.createNamespacedPod({ namespace, body: pod, dryRun: "All" });
    const names = [
      ...(created.spec?.initContainers ?? []),
      ...(created.spec?.containers ?? []),
    ].map((container) => container.name);
    return Object.values(containerName).filter((name) => !names.includes(name));
  } catch (error) {
    throw apiFailure(`create a pod in namespace "${namespace}"`, error);
  }
}
