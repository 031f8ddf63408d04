/**
 * Asks the API server to create a pod, as a dry run, in a namespace that the installation serves:
 * selectors, TLS, caBundle, the Service, the webhook and its answer, all at once.
 */
import { CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { containerName } from "bouncer/contract";
import { apiFailure, statusOf } from "../../kube/failure.ts";
import type { Installation } from "../installation.ts";
import { selects } from "./namespaces.ts";
import type { DryRun, NamespaceLabels } from "./state.ts";

/** As Pod Security "restricted" wants it, so that no namespace refuses it for itself. */
const pod: V1Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "bouncer-check-" },
  spec: {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "app",
        image: "registry.k8s.io/pause:3.10",
        ports: [{ containerPort: 3000 }],
        resources: {
          requests: { cpu: "1m", memory: "8Mi" },
          limits: { cpu: "10m", memory: "16Mi" },
        },
        securityContext: {
          runAsUser: 65532,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  },
};

export async function tryPod(
  kubeConfig: KubeConfig,
  installation: Installation,
  namespaces: readonly NamespaceLabels[],
): Promise<DryRun> {
  const namespace = namespaces.find((one) => selects(installation, one))?.name;
  if (namespace === undefined) return { kind: "no_namespace" };
  const api = kubeConfig.makeApiClient(CoreV1Api);
  try {
    const { spec } = await api.createNamespacedPod({ namespace, body: pod, dryRun: "All" });
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    const isInjected = containers.some(({ name }) => name === containerName.sidecar);
    return { kind: isInjected ? "injected" : "not_injected", namespace };
  } catch (error) {
    const problem = apiFailure(`create a pod in namespace "${namespace}"`, error).message;
    return { kind: statusOf(error) === 403 ? "forbidden" : "refused", namespace, problem };
  }
}
