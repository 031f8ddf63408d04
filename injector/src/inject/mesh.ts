/**
 * The service meshes that a pod is part of, or will be when their injectors have seen it: ours
 * usually comes first, and once more after theirs. Names, ports and keys are those of Istio (sidecar
 * and ambient) and Linkerd. Pure.
 */
import { type Metadata, type Pod, type StringMap } from "./kubernetes.ts";
import type { PortRange } from "../settings/value.ts";

/** A proxy in the pod that takes what comes in before the application does. */
export interface SidecarMesh {
  readonly kind: "istio" | "linkerd";
  /** Of the product, for people. */
  readonly name: string;
  readonly state: "present" | "expected";
  /** Annotation that lists the ports it leaves alone. */
  readonly skipKey: string;
  /** Its own ports, which the kubelet and Prometheus connect to. */
  readonly open: readonly number[];
  /** Ports that it listens on, or may. */
  readonly reserved: readonly PortRange[];
}

export interface Meshes {
  readonly sidecars: readonly SidecarMesh[];
  /** Istio without sidecars: a proxy of the node listens inside of the pod. */
  readonly ambient: boolean;
}

export const istioProxy = "istio-proxy";
export const istioInit = "istio-init";
export const linkerdInit = "linkerd-init";

const containersOf: Readonly<Record<SidecarMesh["kind"], readonly string[]>> = {
  istio: [istioProxy, istioInit, "istio-validation", "enable-core-dump"],
  linkerd: ["linkerd-proxy", linkerdInit, "linkerd-network-validator", "linkerd-debug"],
};
const meshContainers = Object.values(containersOf).flat();

/** Not of a mesh, but no application either. */
const vaultContainers = ["vault-agent", "vault-agent-init"];

/** Where a tunnel for other pods of the mesh ends, in ambient mode and in some sidecars. */
export const hbonePort = 15_008;

/** Everything that Istio listens on inside of a pod, and room for what it will. */
const istioPorts: PortRange = { first: 15_000, last: 15_099 };
const linkerdPorts: PortRange = { first: 4140, last: 4199 };

const skipKeys = {
  istio: "traffic.sidecar.istio.io/excludeInboundPorts",
  linkerd: "config.linkerd.io/skip-inbound-ports",
} as const;

/** Whether a mesh reads it as a list of ports to leave alone. */
export const isMeshList = (key: string): boolean =>
  key === skipKeys.istio || key === skipKeys.linkerd;

const statusPortKey = "status.sidecar.istio.io/port";
const defaultStatusPort = 15_020;

interface Namespace {
  readonly labels: StringMap;
  readonly annotations: StringMap;
}

export function findMeshes(pod: Pod, namespace: Namespace): Meshes {
  // A gateway: the proxy is what the pod is for.
  if (pod.spec.containers.every(({ name }) => meshContainers.includes(name))) {
    return { sidecars: [], ambient: false };
  }
  const metadata = pod.metadata ?? {};
  const istio = findState(pod, istioProxy, expectsIstio(metadata, namespace));
  const linkerd = findState(pod, "linkerd-proxy", expectsLinkerd(metadata, namespace));
  return {
    sidecars: [
      ...(istio === null ? [] : [buildIstio(istio, metadata)]),
      ...(linkerd === null ? [] : [buildLinkerd(linkerd, metadata, namespace)]),
    ],
    ambient: istio === null && isAmbient(metadata, namespace),
  };
}

function findState(pod: Pod, proxy: string, expected: boolean): SidecarMesh["state"] | null {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  if (containers.some(({ name }) => name === proxy)) return "present";
  return expected ? "expected" : null;
}

/** As the selectors of Istio's webhooks, for any revision, and its injector after them. */
function expectsIstio({ labels, annotations }: Metadata, namespace: Namespace): boolean {
  const label = labels?.["sidecar.istio.io/inject"];
  const wish = label ?? annotations?.["sidecar.istio.io/inject"];
  if (wish === "false") return false;
  const injection = namespace.labels["istio-injection"];
  if (injection !== undefined) return injection === "enabled";
  const isChosen = label === "true" || labels?.["istio.io/rev"] !== undefined;
  const hasRevision = namespace.labels["istio.io/rev"] !== undefined;
  return isChosen || (hasRevision && namespace.labels[dataplaneKey] !== ambient);
}

const dataplaneKey = "istio.io/dataplane-mode";
const ambient = "ambient";

function isAmbient({ labels }: Metadata, namespace: Namespace): boolean {
  return (labels?.[dataplaneKey] ?? namespace.labels[dataplaneKey]) === ambient;
}

const linkerdWish = "linkerd.io/inject";

function expectsLinkerd({ annotations }: Metadata, namespace: Namespace): boolean {
  const wish = annotations?.[linkerdWish] ?? namespace.annotations[linkerdWish];
  return wish === "enabled" || wish === "ingress";
}

/** The port of Istio's agent in the pod, which does the probes that Istio has rewritten. */
export function findStatusPort({ annotations }: Metadata): number {
  return readPort(annotations?.[statusPortKey], defaultStatusPort);
}

function buildIstio(state: SidecarMesh["state"], metadata: Metadata): SidecarMesh {
  return {
    kind: "istio",
    name: "Istio",
    state,
    skipKey: skipKeys.istio,
    open: [findStatusPort(metadata), 15_021, 15_090],
    reserved: [istioPorts],
  };
}

function buildLinkerd(
  state: SidecarMesh["state"],
  { annotations }: Metadata,
  namespace: Namespace,
): SidecarMesh {
  const read = (key: string, fallback: number) =>
    readPort(annotations?.[key] ?? namespace.annotations[key], fallback);
  return {
    kind: "linkerd",
    name: "Linkerd",
    state,
    skipKey: skipKeys.linkerd,
    open: [
      read("config.linkerd.io/control-port", 4190),
      read("config.linkerd.io/admin-port", 4191),
    ],
    reserved: [linkerdPorts],
  };
}

function readPort(text: string | undefined, fallback: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : fallback;
}

/** Containers of the meshes that are in the pod. */
export function namesOf({ sidecars }: Meshes): readonly string[] {
  return sidecars
    .filter(({ state }) => state === "present")
    .flatMap(({ kind }) => containersOf[kind]);
}

/** The first container that is the application's. */
export function findApplication({ spec }: Pod): string | undefined {
  const others = [...meshContainers, ...vaultContainers];
  return (spec.containers.find(({ name }) => !others.includes(name)) ?? spec.containers[0])?.name;
}

/** Ports that the bouncer cannot have in this pod. */
export function findReserved({ sidecars, ambient: isInAmbient }: Meshes): readonly PortRange[] {
  return [...sidecars.flatMap(({ reserved }) => reserved), ...(isInAmbient ? [istioPorts] : [])];
}

/**
 * How many init containers are to stay before ours: a proxy that is an init container itself goes
 * on running, and where a CNI plugin has redirected the pod's outgoing connections, nothing that
 * starts before the proxy has a network.
 */
export function countBefore({ spec }: Pod, meshes: Meshes): number {
  const names = namesOf(meshes);
  const inits = spec.initContainers ?? [];
  const other = inits.findIndex(({ name }) => !names.includes(name));
  const leading = other === -1 ? inits : inits.slice(0, other);
  return leading.some(({ restartPolicy }) => restartPolicy === "Always") ? leading.length : 0;
}
