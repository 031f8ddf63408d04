/** What was read from the cluster, and what could not be. Types only. */
import type { StringMap } from "../../inject/kubernetes.ts";
import type { SecretData } from "../../tls/material.ts";
import type { Installation } from "../installation.ts";

export type Read<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "missing" }
  /** The user may not, or the API server did not answer. */
  | { readonly kind: "unreadable"; readonly problem: string };

export interface Endpoints {
  readonly ready: number;
  readonly all: number;
}

/** What became of a pod that was created as a dry run. */
export type DryRun =
  | { readonly kind: "injected"; readonly namespace: string }
  | { readonly kind: "not_injected"; readonly namespace: string }
  | { readonly kind: "refused"; readonly namespace: string; readonly problem: string }
  /** By the user's own rights, or a quota: nothing that the webhook did. */
  | { readonly kind: "forbidden"; readonly namespace: string; readonly problem: string }
  | { readonly kind: "no_namespace" };

/** One right of the injector's service account. */
export interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Empty: of any name. */
  readonly name: string;
  /** Empty: in every namespace. */
  readonly namespace: string;
}

export interface Bridge {
  readonly name: string;
  readonly endpoints: Read<Endpoints>;
  /** Of the ConfigMap with the bundle. */
  readonly configMap: string;
  /** The files in it. */
  readonly files: Read<readonly string[]>;
}

export interface InstallationState {
  readonly installation: Installation;
  readonly secretName: string;
  readonly secret: Read<SecretData>;
  readonly endpoints: Read<Endpoints>;
  readonly dryRun: DryRun;
  /** Those that it has not. */
  readonly lacking: Read<readonly Permission[]>;
  /** Null without an included one. */
  readonly bridge: Bridge | null;
}

export interface NamespaceLabels {
  readonly name: string;
  readonly labels: StringMap;
}

export interface ClusterState {
  /** Those that are looked at. */
  readonly states: readonly InstallationState[];
  /** All of the cluster. */
  readonly installations: readonly Installation[];
  /** Deployments of the injector without a webhook, `namespace/name`. */
  readonly unregistered: readonly string[];
  readonly namespaces: Read<readonly NamespaceLabels[]>;
  readonly apiServer: Read<string>;
  readonly kubelets: Read<readonly string[]>;
}

/** Who asks, and when. */
export interface Asker {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
