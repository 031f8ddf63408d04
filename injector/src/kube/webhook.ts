/** Our MutatingWebhookConfiguration: read, patched in one field, and followed. */
import {
  AdmissionregistrationV1Api,
  PatchStrategy,
  setHeaderOptions,
} from "@kubernetes/client-node";
import type { KubeConfig, V1MutatingWebhookConfiguration } from "@kubernetes/client-node";
import type { Timer } from "../loop.ts";
import type { PatchOperation, WebhookEntry } from "../tls/ca-bundle.ts";
import { apiFailure, statusOf } from "./failure.ts";
import { follow } from "./watch.ts";

export interface WebhookStore {
  /** Null when there is no such configuration. */
  read(): Promise<readonly WebhookEntry[] | null>;
  /** `conflict`: a `test` failed, or somebody else wrote at the same moment. */
  patch(operations: readonly PatchOperation[]): Promise<"written" | "conflict">;
}

export function createWebhookStore(kubeConfig: KubeConfig, name: string): WebhookStore {
  const api = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  return {
    read: async () => {
      try {
        return entriesOf(await api.readMutatingWebhookConfiguration({ name }));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read MutatingWebhookConfiguration "${name}"`, error);
      }
    },
    patch: async (operations) => {
      const options = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
      try {
        await api.patchMutatingWebhookConfiguration({ name, body: operations }, options);
        return "written";
      } catch (error) {
        // A failed `test` is 422, a lost race 409, a configuration deleted meanwhile 404.
        if ([404, 409, 422].includes(statusOf(error) ?? 0)) return "conflict";
        throw apiFailure(`patch MutatingWebhookConfiguration "${name}"`, error);
      }
    },
  };
}

function entriesOf(configuration: V1MutatingWebhookConfiguration): WebhookEntry[] {
  return (configuration.webhooks ?? []).map((webhook) => ({
    name: webhook.name,
    caBundle: webhook.clientConfig.caBundle,
  }));
}

export interface FollowWebhookDeps {
  readonly kubeConfig: KubeConfig;
  readonly name: string;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
  readonly timer: Timer;
}

/** Calls `onChange` whenever somebody changes the configuration; `close` ends it. */
export function followWebhook(deps: FollowWebhookDeps): { close(): Promise<void> } {
  const { kubeConfig, name, onChange, onError, timer } = deps;
  const api = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  const fieldSelector = `metadata.name=${name}`;
  return follow<V1MutatingWebhookConfiguration>({
    kubeConfig,
    path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    list: () => api.listMutatingWebhookConfiguration({ fieldSelector }),
    fieldSelector,
    onChange,
    onError,
    timer,
  });
}
