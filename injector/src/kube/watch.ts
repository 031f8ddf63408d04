/** A list that follows the API server: client-node's informer, started again whenever it stops. */
import { ListWatch, Watch } from "@kubernetes/client-node";
import type { KubeConfig, KubernetesListObject, KubernetesObject } from "@kubernetes/client-node";
import type { Timer } from "../loop.ts";
import { apiFailure } from "./failure.ts";

export interface FollowOptions<T extends KubernetesObject> {
  readonly kubeConfig: KubeConfig;
  /** `/api/v1/namespaces`. */
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<T>>;
  /** `metadata.name=x`. */
  readonly fieldSelector?: string;
  readonly onChange?: () => void;
  readonly onError: (error: unknown) => void;
  readonly timer: Timer;
}

export interface Followed<T> {
  get(name: string): T | undefined;
  list(): readonly T[];
  /** Listed at least once. */
  isSynced(): boolean;
  close(): Promise<void>;
}

const retryMs = 1000;

export function follow<T extends KubernetesObject>(options: FollowOptions<T>): Followed<T> {
  const { kubeConfig, path, list, fieldSelector, onChange } = options;
  const watch = new Watch(kubeConfig);
  const listWatch = new ListWatch<T>(path, watch, list, false, undefined, fieldSelector);
  let synced = false;
  let closed = false;
  let cancel: (() => void) | null = null;

  const start = async (): Promise<void> => {
    try {
      await listWatch.start();
    } catch (error) {
      retry(error);
    }
  };
  const retry = (error: unknown): void => {
    if (closed) return;
    options.onError(apiFailure(`follow ${path}`, error));
    cancel?.();
    cancel = options.timer.after(retryMs, () => void start());
  };

  listWatch.on("error", retry);
  // `connect` comes before the list, each change after it; an empty list brings no change at all.
  listWatch.on("change", () => {
    synced = true;
    onChange?.();
  });
  void start();
  return {
    get: (name) => listWatch.get(name),
    list: () => listWatch.list(),
    isSynced: () => {
      synced ||= listWatch.latestResourceVersion() !== "";
      return synced;
    },
    close: async () => {
      closed = true;
      cancel?.();
      await listWatch.stop();
    },
  };
}
