/**
 * The installations of a cluster, found by their webhook: the Service that it names gives namespace
 * and name, everything else follows from the chart's names. What may not be read is null, and a
 * problem says why.
 */
import {
  AdmissionregistrationV1Api,
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1Deployment,
  type V1MutatingWebhook,
  type V1MutatingWebhookConfiguration,
} from "@kubernetes/client-node";
import { load } from "js-yaml";
import { fillAuthority } from "../admission/authority.ts";
import { messageOf } from "../errors.ts";
import { apiFailure, statusOf } from "../kube/failure.ts";
import { parseSettings, type Settings } from "../settings.ts";
import { serviceDnsNames } from "../tls/names.ts";

/** Name of the entry that injects, in every MutatingWebhookConfiguration of ours. */
export const webhookName = "injector.bouncer.dev";

export interface Installation {
  readonly namespace: string;
  /** Of the release's objects: Service, Deployment, ServiceAccount. */
  readonly name: string;
  readonly configuration: V1MutatingWebhookConfiguration;
  /** The entry that injects. */
  readonly webhook: V1MutatingWebhook;
  readonly deployment: V1Deployment | null;
  /** As the webhook has them, the authority filled in, so that hashes of them agree. */
  readonly settings: Settings | null;
  /** Of the settings, "" for the default one; null when they could not be read. */
  readonly revision: string | null;
  /** Of the injector, without which nothing can be said about versions. */
  readonly version: string | null;
  /** Service of the included bridge; null without one. */
  readonly bridge: string | null;
  /** What could not be read, and why. */
  readonly problems: readonly string[];
}

/** Names of the release's other objects, as the chart makes them. */
export const chartName = {
  settings: (name: string) => `${name}-settings`,
  tlsSecret: (name: string) => `${name}-tls`,
} as const;

/** Rejects with an InjectorError when webhook configurations cannot be listed at all. */
export async function readInstallations(kubeConfig: KubeConfig): Promise<readonly Installation[]> {
  const api = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  const { items } = await api.listMutatingWebhookConfiguration().catch((error: unknown) => {
    throw apiFailure("list MutatingWebhookConfigurations", error);
  });
  const found = items.flatMap((configuration) => findOurs(configuration));
  return Promise.all(found.map((ours) => readInstallation(kubeConfig, ours)));
}

type Ours = Pick<Installation, "namespace" | "name" | "configuration" | "webhook">;

function findOurs(configuration: V1MutatingWebhookConfiguration): Ours[] {
  const webhook = (configuration.webhooks ?? []).find(({ name }) => name === webhookName);
  const service = webhook?.clientConfig.service;
  if (webhook === undefined || service === undefined) return [];
  return [{ namespace: service.namespace, name: service.name, configuration, webhook }];
}

async function readInstallation(kubeConfig: KubeConfig, ours: Ours): Promise<Installation> {
  const { namespace, name, webhook } = ours;
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const settingsName = chartName.settings(name);
  const [deployment, configMap] = await Promise.all([
    attempt(`read Deployment "${namespace}/${name}"`, () =>
      apps.readNamespacedDeployment({ namespace, name }),
    ),
    attempt(`read ConfigMap "${namespace}/${settingsName}"`, () =>
      core.readNamespacedConfigMap({ namespace, name: settingsName }),
    ),
  ]);
  const problems = [deployment, configMap].flatMap(({ problem }) => problem ?? []);
  const parsed = parseText(configMap.value?.data?.["settings.yaml"]);
  if (parsed.problem !== null && configMap.value !== null) {
    problems.push(`Cannot use ConfigMap "${namespace}/${settingsName}": ${parsed.problem}`);
  }
  const environment = environmentOf(deployment.value);
  const bridge = environment["INJECTOR_BRIDGE_SERVICE"] ?? null;
  const domain = environment["INJECTOR_CLUSTER_DOMAIN"] ?? "cluster.local";
  const settings =
    parsed.settings === null
      ? null
      : fillAuthority(
          parsed.settings,
          authoritiesOf(webhook),
          bridge === null ? [] : serviceDnsNames(bridge, namespace, domain),
        );
  return {
    ...ours,
    deployment: deployment.value,
    settings,
    revision: settings?.revision ?? null,
    version: deployment.value === null ? null : versionOf(deployment.value),
    bridge,
    problems,
  };
}

/** PEM of the authorities that the API server trusts for this webhook; null: none yet. */
export function authoritiesOf({ clientConfig }: V1MutatingWebhook): string | null {
  const { caBundle } = clientConfig;
  if (caBundle === undefined || caBundle === "") return null;
  return Buffer.from(caBundle, "base64").toString("utf8");
}

interface Attempt<T> {
  readonly value: T | null;
  readonly problem: string | null;
}

/** `action` completes "Cannot ...". */
async function attempt<T>(action: string, read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read(), problem: null };
  } catch (error) {
    const why = statusOf(error) === 404 ? ": it is not there" : null;
    const problem = why === null ? apiFailure(action, error).message : `Cannot ${action}${why}`;
    return { value: null, problem };
  }
}

function parseText(text: string | undefined): {
  readonly settings: Settings | null;
  readonly problem: string | null;
} {
  if (text === undefined) return { settings: null, problem: "it has no settings.yaml" };
  try {
    const parsed = parseSettings(load(text));
    if (parsed.ok) return { settings: parsed.settings, problem: null };
    return { settings: null, problem: parsed.problems.join("; ") };
  } catch (error) {
    return { settings: null, problem: `not YAML (${messageOf(error)})` };
  }
}

const containerOf = (deployment: V1Deployment) =>
  deployment.spec?.template.spec?.containers.find(({ name }) => name === "injector");

function environmentOf(deployment: V1Deployment | null): Readonly<Record<string, string>> {
  const entries = deployment === null ? [] : (containerOf(deployment)?.env ?? []);
  return Object.fromEntries(entries.map(({ name, value }) => [name, value ?? ""]));
}

/** The label is what the chart says; the tag of the image is what runs, when it is a version. */
function versionOf(deployment: V1Deployment): string | null {
  const tag = /:v?(\d+\.\d+\.\d+[^:@/]*)(@.*)?$/.exec(containerOf(deployment)?.image ?? "")?.[1];
  return tag ?? deployment.metadata?.labels?.["app.kubernetes.io/version"] ?? null;
}
