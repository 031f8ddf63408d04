/** Labels and annotations of namespaces: from a cache that follows the API server, or asked anew. */
import { CoreV1Api } from "@kubernetes/client-node";
import type { KubeConfig, V1Namespace } from "@kubernetes/client-node";
import type { Timer } from "../loop.ts";
import { apiFailure, statusOf } from "./failure.ts";
import { follow } from "./watch.ts";

export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Namespaces {
  /** From the cache; undefined when it is not there, which may mean: not yet. */
  cached(name: string): Namespace | undefined;
  /** All of the cache. */
  list(): Namespace[];
  /** From the API server; null when there is no such namespace. */
  read(name: string): Promise<Namespace | null>;
  isSynced(): boolean;
  close(): Promise<void>;
}

export interface NamespacesDeps {
  readonly kubeConfig: KubeConfig;
  readonly onError: (error: unknown) => void;
  readonly timer: Timer;
}

export function createNamespaces({ kubeConfig, onError, timer }: NamespacesDeps): Namespaces {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  const followed = follow<V1Namespace>({
    kubeConfig,
    path: "/api/v1/namespaces",
    list: () => api.listNamespace(),
    onError,
    timer,
  });
  return {
    cached: (name) => {
      const namespace = followed.get(name);
      return namespace === undefined ? undefined : toNamespace(name, namespace);
    },
    list: () =>
      followed.list().map((namespace) => toNamespace(namespace.metadata?.name ?? "", namespace)),
    read: async (name) => {
      try {
        return toNamespace(name, await api.readNamespace({ name }));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read namespace "${name}"`, error);
      }
    },
    isSynced: () => followed.isSynced(),
    close: () => followed.close(),
  };
}

function toNamespace(name: string, { metadata }: V1Namespace): Namespace {
  return { name, labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {} };
}
