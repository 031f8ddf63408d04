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
import { type ParsedSettings, parseSettings, type Settings } from "../settings.ts";
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
  /** Refused: they are missing, or not as they must be. */
  readonly settingsAre: "accepted" | "refused" | "unreadable";
  /** Of the webhook's container, as far as it is written down in the Deployment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the settings, "" for the default one; else of the webhook's label; null: not known. */
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
  const { namespace, name, configuration } = ours;
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  const deployment = await attempt(`read Deployment "${namespace}/${name}"`, () =>
    apps.readNamespacedDeployment({ namespace, name }),
  );
  const environment = environmentOf(deployment.value);
  const read = await readSettings(kubeConfig, ours, environment);
  const label = configuration.metadata?.labels?.["bouncer.dev/revision"];
  return {
    ...ours,
    deployment: deployment.value,
    settings: read.settings,
    settingsAre: read.are,
    environment,
    revision: read.settings?.revision ?? label ?? null,
    version: deployment.value === null ? null : versionOf(deployment.value),
    bridge: environment["INJECTOR_BRIDGE_SERVICE"] ?? null,
    problems: [deployment.problem, read.problem].filter((problem) => problem !== null),
  };
}

type Environment = Installation["environment"];

interface ReadSettings {
  readonly settings: Settings | null;
  readonly are: Installation["settingsAre"];
  readonly problem: string | null;
}

async function readSettings(
  kubeConfig: KubeConfig,
  { namespace, name, webhook }: Ours,
  environment: Environment,
): Promise<ReadSettings> {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const title = `ConfigMap "${namespace}/${chartName.settings(name)}"`;
  const configMap = await attempt(`read ${title}`, () =>
    core.readNamespacedConfigMap({ namespace, name: chartName.settings(name) }),
  );
  if (configMap.value === null) {
    const are = configMap.isMissing ? "refused" : "unreadable";
    return { settings: null, are, problem: configMap.problem };
  }
  const parsed = parseText(configMap.value.data?.["settings.yaml"]);
  if (!parsed.ok) {
    const problem = `Cannot use ${title}: ${parsed.problems.join("; ")}`;
    return { settings: null, are: "refused", problem };
  }
  const names = bridgeNames(environment, namespace);
  const settings = fillAuthority(parsed.settings, authoritiesOf(webhook), names);
  return { settings, are: "accepted", problem: null };
}

function bridgeNames(environment: Environment, namespace: string): readonly string[] {
  const bridge = environment["INJECTOR_BRIDGE_SERVICE"];
  const domain = environment["INJECTOR_CLUSTER_DOMAIN"] ?? "cluster.local";
  return bridge === undefined ? [] : serviceDnsNames(bridge, namespace, domain);
}

/** PEM of the authorities that the API server trusts for this webhook; null: none yet. */
export function authoritiesOf({ clientConfig }: V1MutatingWebhook): string | null {
  const { caBundle } = clientConfig;
  if (caBundle === undefined || caBundle === "") return null;
  return Buffer.from(caBundle, "base64").toString("utf8");
}

interface Attempt<T> {
  readonly value: T | null;
  readonly isMissing: boolean;
  readonly problem: string | null;
}

/** `action` completes "Cannot ...". */
async function attempt<T>(action: string, read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read(), isMissing: false, problem: null };
  } catch (error) {
    const isMissing = statusOf(error) === 404;
    const failure = apiFailure(action, error).message;
    const problem = isMissing ? `Cannot ${action}: it is not there` : failure;
    return { value: null, isMissing, problem };
  }
}

function parseText(text: string | undefined): ParsedSettings {
  if (text === undefined) return { ok: false, problems: ["it has no settings.yaml"] };
  try {
    return parseSettings(load(text));
  } catch (error) {
    return { ok: false, problems: [`not YAML (${messageOf(error)})`] };
  }
}

const containerOf = (deployment: V1Deployment) =>
  deployment.spec?.template.spec?.containers.find(({ name }) => name === "injector");

function environmentOf(deployment: V1Deployment | null): Environment {
  const entries = deployment === null ? [] : (containerOf(deployment)?.env ?? []);
  return Object.fromEntries(entries.map(({ name, value }) => [name, value ?? ""]));
}

/** The label is what the chart says; the tag of the image is what runs, when it is a version. */
function versionOf(deployment: V1Deployment): string | null {
  const tag = /:v?(\d+\.\d+\.\d+[^:@/]*)(@.*)?$/.exec(containerOf(deployment)?.image ?? "")?.[1];
  return tag ?? deployment.metadata?.labels?.["app.kubernetes.io/version"] ?? null;
}
