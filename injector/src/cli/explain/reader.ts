/** What `explain` reads from the cluster. */
import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  type V1ManagedFieldsEntry,
} from "@kubernetes/client-node";
import { namespaceLabel, revisionLabel } from "../../admission/facts.ts";
import { apiFailure, statusOf } from "../../kube/failure.ts";
import { readClusterFacts } from "../cluster-facts.ts";
import { InputError } from "../failure.ts";
import { readInstallations } from "../installation.ts";
import { changeWorkloads } from "../workloads.ts";
import type { NamespaceFacts, Target, World } from "./explanation.ts";
import { timeOf } from "./running.ts";
import type { TargetKind, TargetName } from "./target.ts";

export interface ExplainReader {
  world(namespace: string): Promise<World>;
  /** Rejects when there is no such object. */
  target(name: TargetName, namespace: string): Promise<Target>;
}

export function createExplainReader(kubeConfig: KubeConfig): ExplainReader {
  const installations = readInstallations(kubeConfig);
  // Looked at when the first world is asked for.
  installations.catch(() => undefined);
  const readers = createReaders(kubeConfig);
  return {
    world: async (namespace) => ({
      installations: await installations,
      namespace: await readNamespace(kubeConfig, namespace),
      cluster: await readClusterFacts(kubeConfig, namespace),
    }),
    target: async ({ kind, name }, namespace) => {
      try {
        return toTarget(kind, await readers[kind]({ name, namespace }), { name, namespace });
      } catch (error) {
        if (statusOf(error) !== 404) throw apiFailure(`read ${kind} "${namespace}/${name}"`, error);
        throw new InputError([`Cannot find ${kind} "${name}" in namespace "${namespace}"`]);
      }
    },
  };
}

interface Named {
  readonly name: string;
  readonly namespace: string;
}

type Reader = (named: Named) => Promise<KubernetesObject>;

function createReaders(kubeConfig: KubeConfig): Readonly<Record<TargetKind, Reader>> {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  const batch = kubeConfig.makeApiClient(BatchV1Api);
  return {
    pod: (named) => core.readNamespacedPod(named),
    deployment: (named) => apps.readNamespacedDeployment(named),
    statefulset: (named) => apps.readNamespacedStatefulSet(named),
    daemonset: (named) => apps.readNamespacedDaemonSet(named),
    replicaset: (named) => apps.readNamespacedReplicaSet(named),
    replicationcontroller: (named) => core.readNamespacedReplicationController(named),
    job: (named) => batch.readNamespacedJob(named),
    cronjob: (named) => batch.readNamespacedCronJob(named),
  };
}

const apiVersions: Readonly<Record<TargetKind, readonly [apiVersion: string, kind: string]>> = {
  pod: ["v1", "Pod"],
  deployment: ["apps/v1", "Deployment"],
  statefulset: ["apps/v1", "StatefulSet"],
  daemonset: ["apps/v1", "DaemonSet"],
  replicaset: ["apps/v1", "ReplicaSet"],
  replicationcontroller: ["v1", "ReplicationController"],
  job: ["batch/v1", "Job"],
  cronjob: ["batch/v1", "CronJob"],
};

function toTarget(kind: TargetKind, object: KubernetesObject, { name, namespace }: Named): Target {
  const [apiVersion, kindName] = apiVersions[kind];
  // As JSON, for dates are text there and what is absent is absent.
  const value: unknown = JSON.parse(JSON.stringify({ ...object, apiVersion, kind: kindName }));
  const title = `${kind}/${name}`;
  const [found] = findTargets(value, namespace);
  if (found === undefined) throw new InputError([`Cannot find a pod template in ${title}`]);
  return {
    ...found,
    title,
    namespace,
    running: kind === "pod" ? { createdAt: createdAt(object) } : null,
  };
}

function createdAt(object: KubernetesObject): number | null {
  return timeOf(object.metadata?.creationTimestamp);
}

/** Every pod and template of an object; `fallback` is the namespace of those that say none. */
export function findTargets(value: unknown, fallback: string): Target[] {
  const targets: Target[] = [];
  changeWorkloads(value, (template, workload) => {
    const namespace = workload.namespace ?? fallback;
    targets.push({
      title: workload.title,
      namespace,
      pod: toPod(template, namespace),
      running: null,
    });
    return null;
  });
  return targets;
}

function toPod(template: unknown, namespace: string): unknown {
  if (typeof template !== "object" || template === null) return template;
  const metadata: unknown = "metadata" in template ? template.metadata : {};
  const given = typeof metadata === "object" ? metadata : {};
  return { ...template, apiVersion: "v1", kind: "Pod", metadata: { ...given, namespace } };
}

async function readNamespace(kubeConfig: KubeConfig, name: string): Promise<NamespaceFacts> {
  try {
    const { metadata } = await kubeConfig.makeApiClient(CoreV1Api).readNamespace({ name });
    return {
      exists: true,
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
      labelledAt: findLabelledAt(metadata?.managedFields ?? []),
    };
  } catch (error) {
    if (statusOf(error) !== 404) throw apiFailure(`read namespace "${name}"`, error);
    // Every namespace has this label, so the one that somebody will create will have it too.
    const labels = { "kubernetes.io/metadata.name": name };
    return { exists: false, labels, annotations: {}, labelledAt: null };
  }
}

/** Whoever owns one of the labels has written it at that time, or other fields since. */
function findLabelledAt(managedFields: readonly V1ManagedFieldsEntry[]): number | null {
  const owners = managedFields.filter(({ fieldsV1 }) => {
    const text = JSON.stringify(fieldsV1 ?? {});
    return [namespaceLabel.name, revisionLabel].some((label) => text.includes(`"f:${label}"`));
  });
  const times = owners.map(({ time }) => timeOf(time)).filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(...times);
}
