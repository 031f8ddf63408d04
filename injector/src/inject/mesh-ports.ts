/**
 * The ports that a mesh has to leave to the bouncer: told by an annotation, which its injector reads
 * after ours has written it, or its CNI plugin still later. Pure.
 */
import { formatPortRange, parsePortRange, type PortRange } from "../settings/value.ts";
import type { Container, Pod, StringMap } from "./kubernetes.ts";
import { istioInit, linkerdInit, type Meshes, type SidecarMesh } from "./mesh.ts";
import { toItems } from "./pod-annotations.ts";
import type { PortPlan } from "./ports.ts";

/** What is done with the pod, as far as it concerns a mesh. */
export interface Enforcement {
  readonly mode: "redirect" | "service";
  readonly plan: PortPlan;
  readonly unlistedPorts: "deny" | "allow";
}

/** Istio knows no ranges: each port of one is an item, and a rule. */
const widestRange = 256;

const includeKey = "traffic.sidecar.istio.io/includeInboundPorts";

const single = (port: number): PortRange => ({ first: port, last: port });

/**
 * In service mode only the admin port, so that the kubelet needs no certificate; what comes to the
 * listeners is decrypted by the mesh. In redirect mode everything that the bouncer or nobody
 * decides: a port that is taken by the mesh comes in as another, which is refused.
 */
export function findOwed({ mode, plan, unlistedPorts }: Enforcement): PortRange[] {
  if (mode === "service") return [single(plan.adminPort)];
  return [
    ...plan.listeners.map(({ targetPort }) => single(targetPort)),
    ...plan.listeners.map(({ port }) => single(port)),
    single(plan.adminPort),
    ...(unlistedPorts === "deny" ? plan.excluded : []),
  ];
}

/** For each mesh, its annotation and the items that have to be in it. */
export function buildSkipLists(
  pod: Pod,
  meshes: Meshes,
  enforcement: Enforcement,
  namespaceAnnotations: StringMap,
): Readonly<Record<string, readonly string[]>> {
  const owed = findOwed(enforcement);
  const lists = meshes.sidecars.map(({ kind, skipKey }) => {
    const items =
      kind === "linkerd" ? owed.map(formatPortRange) : owed.filter(isNarrow).flatMap(spell);
    // Linkerd copies a namespace's annotation to pods that have none of their own.
    const isOwn = kind === "istio" || pod.metadata?.annotations?.[skipKey] !== undefined;
    const inherited = isOwn ? [] : toItems(namespaceAnnotations[skipKey] ?? "");
    return [skipKey, [...new Set([...inherited, ...items])]] as const;
  });
  return Object.fromEntries(lists);
}

const isNarrow = ({ first, last }: PortRange) => last - first < widestRange;

const spell = ({ first, last }: PortRange): string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => String(first + index));

/** Ports that the mesh is known to take, though they are the bouncer's or nobody's. */
export function findMissed(pod: Pod, mesh: SidecarMesh, enforcement: Enforcement): string[] {
  const owed = findOwed(enforcement);
  const init = findInit(pod, mesh);
  const wide = mesh.kind === "istio" ? owed.filter((range) => !isNarrow(range)) : [];
  // Without the step that makes the rules there is none yet, or a CNI plugin makes them.
  if (init === null) return wide.map(formatPortRange);
  const taken = owed.filter((range) => isNarrow(range) || mesh.kind === "linkerd");
  return [...taken.filter((range) => isTaken(init, mesh, range)), ...wide].map(formatPortRange);
}

function findInit({ spec }: Pod, { kind }: SidecarMesh): Container | null {
  const name = kind === "istio" ? istioInit : linkerdInit;
  return spec.initContainers?.find((container) => container.name === name) ?? null;
}

function isTaken(init: Container, { kind }: SidecarMesh, range: PortRange): boolean {
  const option = kind === "istio" ? "-d" : "--inbound-ports-to-ignore";
  const included = kind === "istio" ? parseIncluded(argumentOf(init, "-b")) : null;
  if (included !== null) return included.some((number) => isWithin(range, number));
  const left = toItems(argumentOf(init, option) ?? "").flatMap(
    (item) => parsePortRange(item) ?? [],
  );
  return spell(range).some((port) => !left.some((one) => isWithin(one, Number(port))));
}

const isWithin = ({ first, last }: PortRange, number: number) => first <= number && number <= last;

function argumentOf({ args }: Container, option: string): string | null {
  const place = args?.indexOf(option) ?? -1;
  return place === -1 ? null : (args?.[place + 1] ?? null);
}

/** Ports that Istio is to take and no others; null: all, but for those it is to leave. */
export function findIncluded(pod: Pod, mesh: SidecarMesh): readonly number[] | null {
  if (mesh.kind !== "istio") return null;
  const annotated = pod.metadata?.annotations?.[includeKey];
  const init = findInit(pod, mesh);
  return parseIncluded(annotated ?? (init === null ? null : argumentOf(init, "-b")));
}

function parseIncluded(list: string | null): readonly number[] | null {
  return list === null || list.trim() === "*" ? null : toItems(list).map(Number);
}
