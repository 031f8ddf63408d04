/** The cluster as a user sees it: through kubectl, with objects as plain JSON. */
import { run, start, tryRun } from "./program.ts";
import type { Arguments, ProgramOptions, ProgramResult, Running } from "./program.ts";

export interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly [field: string]: unknown;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
}

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** Any Kubernetes object, as it is sent to the API server. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export async function kubectl(args: Arguments, options?: ProgramOptions): Promise<string> {
  return run("kubectl", args, options);
}

export async function tryKubectl(
  args: Arguments,
  options?: ProgramOptions,
): Promise<ProgramResult> {
  return tryRun("kubectl", args, options);
}

export async function apply(...objects: readonly Manifest[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  await kubectl("apply -f -", { input: JSON.stringify(list) });
}

/** What the API server would store, webhooks included; nothing is stored. */
export async function dryRun(object: Manifest): Promise<ProgramResult> {
  return tryKubectl("create --dry-run=server -o json -f -", {
    input: JSON.stringify(object),
  });
}

export async function pods(namespace: string, selector: string): Promise<readonly Pod[]> {
  const text = await kubectl(`get pods -n ${namespace} -l ${selector} -o json`);
  const { items } = JSON.parse(text) as { readonly items: readonly Pod[] };
  return items.filter((item) => item.metadata.deletionTimestamp === undefined);
}

/** The only pod that matches. */
export async function pod(namespace: string, selector: string): Promise<Pod> {
  const found = await pods(namespace, selector);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`want one pod ${selector} in ${namespace}, found ${found.length}`);
  }
  return only;
}

export function isReady(object: Pod): boolean {
  return object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
}

export function podAddress(object: Pod): string {
  const address = object.status.podIP;
  if (address === undefined) throw new Error(`pod ${object.metadata.name} has no address`);
  return address;
}

/** The pod's addresses, one of each family that the cluster has, as hosts of a URL. */
export function podHosts(object: Pod): readonly string[] {
  const hosts = (object.status.podIPs ?? []).map(({ ip }) => (ip.includes(":") ? `[${ip}]` : ip));
  if (hosts.length === 0) throw new Error(`pod ${object.metadata.name} has no address`);
  return hosts;
}

/** Names of the containers that start before the application's, in order. */
export function initContainerNames(object: Pod): readonly string[] {
  return (object.spec.initContainers ?? []).map((container) => container.name);
}

export async function waitReady(namespace: string, selector: string): Promise<void> {
  await kubectl(`wait pod -n ${namespace} -l ${selector} --for=condition=Ready --timeout=150s`, {
    timeoutMs: 160_000,
  });
}

export async function rolledOut(namespace: string, workload: string): Promise<void> {
  await kubectl(`rollout status -n ${namespace} ${workload} --timeout=180s`, {
    timeoutMs: 190_000,
  });
}

export async function execute(
  object: Pod,
  container: string,
  command: readonly string[],
  options?: ProgramOptions,
): Promise<string> {
  const { namespace, name } = object.metadata;
  return kubectl(["exec", "-i", "-n", namespace, name, "-c", container, "--", ...command], options);
}

/** A command in a container that goes on; stopped with its end of the connection. */
export function follow(object: Pod, container: string, command: readonly string[]): Running {
  const { namespace, name } = object.metadata;
  return start("kubectl", ["exec", "-n", namespace, name, "-c", container, "--", ...command]);
}

export async function containerLog(object: Pod, container: string): Promise<string> {
  const { namespace, name } = object.metadata;
  return kubectl(`logs -n ${namespace} ${name} -c ${container}`);
}
