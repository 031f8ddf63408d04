/** What `check` reads from the cluster. What the user may not read is kept as such. */
import {
  AppsV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  type KubeConfig,
  VersionApi,
} from "@kubernetes/client-node";
import { apiFailure, statusOf } from "../../kube/failure.ts";
import { type Installation, readInstallations } from "../installation.ts";
import { tryPod } from "./dry-run.ts";
import { listPermissions, tlsSecretOf } from "./permissions.ts";
import { findLacking } from "./rights.ts";
import type {
  Bridge,
  ClusterState,
  Endpoints,
  InstallationState,
  NamespaceLabels,
  Read,
} from "./state.ts";

/** `namespace` is that of an installation; null: all of them. */
export async function readCluster(
  kubeConfig: KubeConfig,
  namespace: string | null,
): Promise<ClusterState> {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const installations = await readInstallations(kubeConfig);
  const looked = installations.filter((one) => namespace === null || one.namespace === namespace);
  const [namespaces, nodes, apiServer, unregistered] = await Promise.all([
    read("list namespaces", () => core.listNamespace()),
    read("list nodes", () => core.listNode()),
    read("read the version", () => kubeConfig.makeApiClient(VersionApi).getCode()),
    findUnregistered(kubeConfig, installations, namespace),
  ]);
  const labels = map(namespaces, ({ items }) => items.map(({ metadata }) => toLabels(metadata)));
  // In one that is being deleted, no pod can be created.
  const candidates =
    namespaces.kind === "read"
      ? namespaces.value.items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
      : [];
  const served = candidates.map(({ metadata }) => toLabels(metadata));
  return {
    states: await Promise.all(looked.map((one) => readState(kubeConfig, one, served))),
    installations,
    unregistered,
    namespaces: labels,
    apiServer: map(apiServer, ({ gitVersion }) => gitVersion),
    kubelets: map(nodes, ({ items }) =>
      items.map(({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
    ),
  };
}

function toLabels(
  metadata: { name?: string; labels?: Record<string, string> } | undefined,
): NamespaceLabels {
  return { name: metadata?.name ?? "", labels: metadata?.labels ?? {} };
}

async function readState(
  kubeConfig: KubeConfig,
  installation: Installation,
  namespaces: readonly NamespaceLabels[],
): Promise<InstallationState> {
  const { namespace, name, bridge } = installation;
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const secretName = tlsSecretOf(installation);
  const account = installation.deployment?.spec?.template.spec?.serviceAccountName ?? name;
  const [secret, endpoints, lacking, dryRun] = await Promise.all([
    read(`read Secret "${namespace}/${secretName}"`, () =>
      core.readNamespacedSecret({ namespace, name: secretName }),
    ),
    readEndpoints(kubeConfig, namespace, name),
    findLacking(kubeConfig, { namespace, name: account }, listPermissions(installation)),
    tryPod(kubeConfig, installation, namespaces),
  ]);
  return {
    installation,
    secretName,
    secret: map(secret, ({ data }) => decode(data ?? {})),
    endpoints,
    dryRun,
    lacking,
    bridge: bridge === null ? null : await readBridge(kubeConfig, namespace, bridge),
  };
}

function decode(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString("utf8"),
    ]),
  );
}

async function readEndpoints(
  kubeConfig: KubeConfig,
  namespace: string,
  service: string,
): Promise<Read<Endpoints>> {
  const api = kubeConfig.makeApiClient(DiscoveryV1Api);
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const slices = await read(`list EndpointSlices of Service "${namespace}/${service}"`, () =>
    api.listNamespacedEndpointSlice({ namespace, labelSelector }),
  );
  if (slices.kind !== "read") return slices;
  const endpoints = slices.value.items.flatMap((slice) => slice.endpoints ?? []);
  if (endpoints.length === 0) return { kind: "missing" };
  // A pod with addresses of both families is in two slices; absent means ready.
  const pods = new Map(
    endpoints.map((one, index) => [one.targetRef?.name ?? String(index), one.conditions?.ready]),
  );
  const ready = [...pods.values()].filter((isReady) => isReady !== false).length;
  return { kind: "read", value: { ready, all: pods.size } };
}

async function readBridge(
  kubeConfig: KubeConfig,
  namespace: string,
  name: string,
): Promise<Bridge> {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const deployment = await read(`read Deployment "${namespace}/${name}"`, () =>
    kubeConfig.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name }),
  );
  const endpoints = await readEndpoints(kubeConfig, namespace, name);
  if (deployment.kind !== "read") {
    return { name, endpoints, configMap: "", files: deployment };
  }
  const volumes = deployment.value.spec?.template.spec?.volumes ?? [];
  const configMap = volumes.find((volume) => volume.name === "bundles")?.configMap?.name ?? "";
  const content = await read(`read ConfigMap "${namespace}/${configMap}"`, () =>
    core.readNamespacedConfigMap({ namespace, name: configMap }),
  );
  const files = map(content, ({ data, binaryData }) => Object.keys({ ...data, ...binaryData }));
  return { name, endpoints, configMap, files };
}

/** An injector that runs, but whose webhook somebody has deleted. */
async function findUnregistered(
  kubeConfig: KubeConfig,
  installations: readonly Installation[],
  namespace: string | null,
): Promise<string[]> {
  const api = kubeConfig.makeApiClient(AppsV1Api);
  const labelSelector = "app.kubernetes.io/part-of=bouncer,app.kubernetes.io/component=injector";
  const deployments = await read("list Deployments", () =>
    namespace === null
      ? api.listDeploymentForAllNamespaces({ labelSelector })
      : api.listNamespacedDeployment({ namespace, labelSelector }),
  );
  if (deployments.kind !== "read") return [];
  const known = installations.map((one) => `${one.namespace}/${one.name}`);
  return deployments.value.items
    .map(({ metadata }) => `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`)
    .filter((title) => !known.includes(title));
}

/** `action` completes "Cannot ...". */
async function read<T>(action: string, ask: () => Promise<T>): Promise<Read<T>> {
  try {
    return { kind: "read", value: await ask() };
  } catch (error) {
    if (statusOf(error) === 404) return { kind: "missing" };
    return { kind: "unreadable", problem: apiFailure(action, error).message };
  }
}

function map<From, To>(from: Read<From>, change: (value: From) => To): Read<To> {
  return from.kind === "read" ? { kind: "read", value: change(from.value) } : from;
}
