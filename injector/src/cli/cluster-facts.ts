/** What the injector knows about a cluster, read by a user: null is what that user may not read. */
import { CoreV1Api, type KubeConfig, type V1Service, VersionApi } from "@kubernetes/client-node";
import type { ClusterFacts, ServiceFacts } from "../inject/injection.ts";
import { older, parseVersion } from "../kube/version.ts";

export async function readClusterFacts(
  kubeConfig: KubeConfig,
  namespace: string,
): Promise<ClusterFacts> {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const [version, nodes, services] = await Promise.allSettled([
    kubeConfig.makeApiClient(VersionApi).getCode(),
    core.listNode(),
    core.listNamespacedService({ namespace }),
  ]);
  const kubelets =
    nodes.status === "fulfilled"
      ? nodes.value.items.map(({ status }) => status?.nodeInfo?.kubeletVersion ?? "")
      : [];
  return {
    apiServer: version.status === "fulfilled" ? parseVersion(version.value.gitVersion) : null,
    oldestKubelet: findOldest(kubelets),
    services: services.status === "fulfilled" ? services.value.items.map(toFacts) : null,
  };
}

/** Null: none of them is a version. */
export function findOldest(texts: readonly string[]): string | null {
  const versions = texts.map(parseVersion).filter((version) => version !== null);
  return versions.length === 0 ? null : versions.reduce(older);
}

function toFacts({ metadata, spec }: V1Service): ServiceFacts {
  return {
    name: metadata?.name ?? "",
    selector: spec?.selector ?? {},
    ports: (spec?.ports ?? []).map(({ port, targetPort, protocol, appProtocol }) => ({
      port,
      targetPort: targetPort ?? port,
      protocol: protocol ?? "TCP",
      appProtocol: appProtocol ?? null,
    })),
  };
}
