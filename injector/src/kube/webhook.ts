/** Our MutatingWebhookConfiguration: read, patched in one field, and followed. */
import * as v from "valibot";
import type { PatchOperation, WebhookEntry } from "../tls/ca-bundle.ts";
import { apiFailure, statusOf } from "./failure.ts";
import type { AskApi } from "./request.ts";
import { follow } from "./watch.ts";
import type { FollowDeps } from "./watch.ts";

const collection = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

export interface WebhookStore {
  /** Null when there is no such configuration. */
  read(): Promise<readonly WebhookEntry[] | null>;
  /** `conflict`: a `test` failed, or somebody else wrote at the same moment. */
  patch(operations: readonly PatchOperation[]): Promise<"written" | "conflict">;
}

export function createWebhookStore(ask: AskApi, name: string): WebhookStore {
  const path = `${collection}/${name}`;
  return {
    read: async () => {
      try {
        return entriesOf(await ask({ method: "GET", path }));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read MutatingWebhookConfiguration "${name}"`, error);
      }
    },
    patch: async (operations) => {
      try {
        await ask({ method: "PATCH", path, patch: "json", body: operations });
        return "written";
      } catch (error) {
        // A failed `test` is 422, a lost race 409, a configuration deleted meanwhile 404.
        if ([404, 409, 422].includes(statusOf(error) ?? 0)) return "conflict";
        throw apiFailure(`patch MutatingWebhookConfiguration "${name}"`, error);
      }
    },
  };
}

const configurationSchema = v.object({
  webhooks: v.nullish(
    v.array(
      v.object({
        name: v.string(),
        clientConfig: v.object({ caBundle: v.nullish(v.string()) }),
      }),
    ),
  ),
});

function entriesOf(answer: unknown): WebhookEntry[] {
  return (v.parse(configurationSchema, answer).webhooks ?? []).map(({ name, clientConfig }) => ({
    name,
    caBundle: clientConfig.caBundle ?? undefined,
  }));
}

export interface FollowWebhookDeps extends FollowDeps {
  readonly name: string;
  readonly onChange: () => void;
}

/** Calls `onChange` whenever somebody changes the configuration; `close` ends it. */
export function followWebhook({ name, ...deps }: FollowWebhookDeps): { close(): Promise<void> } {
  const fieldSelector = `metadata.name=${name}`;
  return follow({ ...deps, path: collection, fieldSelector, pick: () => null });
}
