/**
 * What the pod object says about its bouncer: the annotation, our three containers and how they
 * fare, and how the sidecar is configured. Nothing here fails: what is absent or of an odd form is
 * null, because whoever diagnoses a pod has one that is not as it should be. Pure.
 */
import {
  containerName,
  environment,
  type Listener,
  redirectEnvironment,
  volumeName,
} from "bouncer/contract";
import * as v from "valibot";
import type { Pod } from "../../inject/kubernetes.ts";
import { parseSpoken } from "../../inject/protocols.ts";
import { readStatus } from "../../inject/status.ts";
import { findAdminToken } from "../../inject/uninject.ts";

const text = v.fallback(v.optional(v.string(), ""), "");
const count = v.fallback(v.optional(v.number(), 0), 0);
const flag = v.fallback(v.optional(v.boolean(), false), false);

const terminated = v.object({ exitCode: count, reason: text, message: text });
export type Ended = v.InferOutput<typeof terminated>;

const state = v.fallback(
  v.nullish(
    v.object({
      waiting: v.nullish(v.object({ reason: text, message: text })),
      running: v.nullish(v.looseObject({})),
      terminated: v.nullish(terminated),
    }),
  ),
  null,
);

const containerStatus = v.object({
  name: v.string(),
  ready: flag,
  restartCount: count,
  state,
  lastState: state,
});
type ContainerStatus = v.InferOutput<typeof containerStatus>;
const statuses = v.fallback(v.optional(v.array(containerStatus), []), []);

const podSchema = v.object({
  metadata: v.object({
    name: text,
    namespace: text,
    labels: v.fallback(v.nullish(v.record(v.string(), v.string())), null),
    deletionTimestamp: v.nullish(v.string()),
  }),
  status: v.fallback(
    v.object({
      phase: text,
      podIP: text,
      initContainerStatuses: statuses,
      containerStatuses: statuses,
      conditions: v.fallback(
        v.optional(v.array(v.object({ type: text, status: text, message: text })), []),
        [],
      ),
    }),
    { phase: "", podIP: "", initContainerStatuses: [], containerStatuses: [], conditions: [] },
  ),
});

export type ContainerState =
  | { readonly kind: "waiting"; readonly reason: string; readonly message: string }
  | { readonly kind: "running"; readonly ready: boolean }
  | ({ readonly kind: "ended" } & Ended)
  /** The kubelet has not said anything. */
  | { readonly kind: "none" };

export interface ContainerFacts {
  readonly name: string;
  /** Among the init containers; a sidecar there is a native one. */
  readonly isInit: boolean;
  readonly state: ContainerState;
  readonly restarts: number;
  /** How the run before this one ended. */
  readonly lastEnd: Ended | null;
}

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  readonly isEnding: boolean;
  /** Why no node has taken it; null: one has. */
  readonly unscheduled: string | null;
  readonly address: string;
  /** The status annotation: the version that injected, null without one, or what is wrong with it. */
  readonly mark:
    | { readonly kind: "none" }
    | { readonly kind: "invalid"; readonly problem: string }
    | { readonly kind: "version"; readonly version: string };
  /** Null: not in the pod. */
  readonly redirect: ContainerFacts | null;
  readonly loader: ContainerFacts | null;
  readonly sidecar: ContainerFacts | null;
  /** As the sidecar is told; null: not at all, or not understood. */
  readonly listeners: readonly Listener[] | null;
  readonly opaquePorts: readonly number[];
  /** App ports whose clients speak TLS. */
  readonly tlsPorts: readonly number[];
  /** The Secret with the certificate; null: none. */
  readonly tlsSecret: string | null;
  /** What is spoken to app ports, by number; the others get what the client speaks. */
  readonly appProtocols: ReadonlyMap<number, string>;
  readonly adminPort: number | null;
  readonly adminToken: string | null;
  readonly shadow: boolean;
  /** Sources that the redirect lets through; empty: none. */
  readonly excludedSources: string;
  readonly pullSecrets: readonly string[];
  /** TCP ports with a name, of all containers. */
  readonly namedPorts: ReadonlyMap<string, number>;
}

/** `pod` has the form that the injector relies on; `value` is the same object. */
export function gatherPodFacts(pod: Pod, value: unknown): PodFacts {
  const parsed = v.safeParse(podSchema, value);
  const { metadata, status } = parsed.success
    ? parsed.output
    : v.parse(podSchema, { metadata: {}, status: null });
  const reported = [...status.initContainerStatuses, ...status.containerStatuses];
  const find = (name: string) => findContainer(pod, name, reported);
  const sidecar = readEnvironment(pod, containerName.sidecar);
  const redirect = readEnvironment(pod, containerName.redirect);
  const scheduled = status.conditions.find(({ type }) => type === "PodScheduled");
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    phase: status.phase,
    isEnding: typeof metadata.deletionTimestamp === "string",
    unscheduled: scheduled?.status === "False" ? scheduled.message : null,
    address: status.podIP,
    mark: readMark(pod),
    redirect: find(containerName.redirect),
    loader: find(containerName.loader),
    sidecar: find(containerName.sidecar),
    listeners: parseListeners(sidecar.get(environment.listeners)),
    opaquePorts: parsePorts(sidecar.get(environment.opaquePorts)),
    tlsPorts: parsePorts(sidecar.get(environment.tlsPorts)),
    tlsSecret: findTlsSecret(pod),
    appProtocols: new Map(
      parseSpoken(sidecar.get(environment.appProtocols) ?? "").map(({ port, protocol }) => [
        port,
        protocol,
      ]),
    ),
    adminPort: parsePorts(sidecar.get(environment.adminPort))[0] ?? null,
    adminToken: findAdminToken(pod),
    shadow: sidecar.get(environment.shadowMode) === "true",
    excludedSources: redirect.get(redirectEnvironment.excludedSources) ?? "",
    pullSecrets: (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []),
    namedPorts: new Map(containersOf(pod).flatMap(findNamedPorts)),
  };
}

function readMark(pod: Pod): PodFacts["mark"] {
  const read = readStatus(pod);
  if (read.kind === "status") return { kind: "version", version: read.status.version };
  return read;
}

const containersOf = ({ spec }: Pod) => [...(spec.initContainers ?? []), ...spec.containers];

type Container = Pod["spec"]["containers"][number];

function findNamedPorts({ ports }: Container): (readonly [string, number])[] {
  return (ports ?? []).flatMap(({ name, containerPort, protocol }) =>
    typeof name === "string" && (protocol ?? "TCP") === "TCP" ? [[name, containerPort]] : [],
  );
}

function findContainer(
  pod: Pod,
  name: string,
  reported: readonly ContainerStatus[],
): ContainerFacts | null {
  const isInit = (pod.spec.initContainers ?? []).some((container) => container.name === name);
  if (!isInit && !pod.spec.containers.some((container) => container.name === name)) return null;
  const status = reported.find((one) => one.name === name);
  return {
    name,
    isInit,
    state: status === undefined ? { kind: "none" } : stateOf(status),
    restarts: status?.restartCount ?? 0,
    lastEnd: status?.lastState?.terminated ?? null,
  };
}

function stateOf(status: ContainerStatus): ContainerState {
  const { waiting, running, terminated: ended } = status.state ?? {};
  if (waiting) return { kind: "waiting", ...waiting };
  if (running) return { kind: "running", ready: status.ready };
  return ended ? { kind: "ended", ...ended } : { kind: "none" };
}

const tlsVolume = v.object({
  name: v.literal(volumeName.tls),
  secret: v.object({ secretName: v.string() }),
});

function findTlsSecret({ spec }: Pod): string | null {
  const found = (spec.volumes ?? []).find((volume) => v.is(tlsVolume, volume));
  return found === undefined ? null : v.parse(tlsVolume, found).secret.secretName;
}

function readEnvironment(pod: Pod, name: string): ReadonlyMap<string, string> {
  const env = containersOf(pod).find((container) => container.name === name)?.env ?? [];
  return new Map(
    env.flatMap((one) => (typeof one.value === "string" ? [[one.name, one.value]] : [])),
  );
}

/** `8080:3000,15001:9000` or `none`. */
function parseListeners(value: string | undefined): readonly Listener[] | null {
  if (value === undefined) return null;
  if (value === "none") return [];
  const pairs = value.split(",").map((pair) => /^(\d+):(\d+)$/.exec(pair));
  const listeners = pairs.flatMap((pair) =>
    pair === null ? [] : [{ port: Number(pair[1]), targetPort: Number(pair[2]) }],
  );
  return listeners.length === pairs.length ? listeners : null;
}

function parsePorts(value = ""): number[] {
  return value.split(",").flatMap((item) => (/^\d+$/.test(item) ? [Number(item)] : []));
}
