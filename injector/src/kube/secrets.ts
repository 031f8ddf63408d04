/**
 * The Secrets of certificates, in the injector's own namespace. They are never created here: the
 * chart does that, so that `helm uninstall` removes them and no right to create Secrets is needed.
 */
import { CoreV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { KubeConfig, V1Secret } from "@kubernetes/client-node";
import { InjectorError } from "../errors.ts";
import type { SecretData } from "../tls/material.ts";
import { apiFailure, statusOf } from "./failure.ts";

export interface StoredSecret {
  readonly resourceVersion: string;
  readonly data: SecretData;
}

export interface SecretStore {
  read(name: string): Promise<StoredSecret>;
  /** Replaces the data if the Secret is still at that resourceVersion. */
  write(name: string, secret: StoredSecret): Promise<"written" | "conflict">;
}

export function createSecretStore(kubeConfig: KubeConfig, namespace: string): SecretStore {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  return {
    read: async (name) => {
      try {
        return decode(await api.readNamespacedSecret({ name, namespace }));
      } catch (error) {
        if (statusOf(error) === 404) throw missing(name, namespace);
        throw apiFailure(`read Secret "${name}"`, error);
      }
    },
    write: async (name, { resourceVersion, data }) => {
      // A merge patch (RFC 7386) leaves alone what is not ours: labels, annotations, owners.
      const body = { metadata: { resourceVersion }, data: encode(data) };
      const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
      try {
        await api.patchNamespacedSecret({ name, namespace, body }, options);
        return "written";
      } catch (error) {
        if (statusOf(error) === 409) return "conflict";
        if (statusOf(error) === 404) throw missing(name, namespace);
        throw apiFailure(`write Secret "${name}"`, error);
      }
    },
  };
}

function decode(secret: V1Secret): StoredSecret {
  const entries = Object.entries(secret.data ?? {});
  return {
    resourceVersion: secret.metadata?.resourceVersion ?? "",
    data: Object.fromEntries(
      entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
    ),
  };
}

function encode(data: SecretData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
}

function missing(name: string, namespace: string): InjectorError {
  return new InjectorError(
    "secret_missing",
    `Cannot use Secret "${namespace}/${name}": it is not there; helm upgrade creates it`,
  );
}
