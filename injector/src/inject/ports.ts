/**
 * Which ports of the pod the bouncer stands in front of, and where it listens itself. Pure.
 */
import { type Listener, port } from "bouncer/contract";
import type { PortItem } from "../annotations/table.ts";
import { findHandlerPorts, runningContainers } from "./handlers.ts";
import type { Pod } from "./kubernetes.ts";

/** One listening socket each; a wide range in `app-ports` is a mistake, or a job for `allow`. */
export const maxAppPorts = 256;

const prometheusPortKey = "prometheus.io/port";

export interface PortPlan {
  readonly listeners: readonly Listener[];
  readonly adminPort: number;
}

export type PlannedPorts =
  | { readonly kind: "planned"; readonly plan: PortPlan }
  | { readonly kind: "unknown_name"; readonly names: readonly string[] }
  | { readonly kind: "too_many"; readonly count: number };

/** `chosen` is the annotation `app-ports`; null: what the pod declares. */
export function planPorts(pod: Pod, chosen: readonly PortItem[] | null): PlannedPorts {
  const discovered = discoverPorts(pod);
  const names = (chosen ?? []).flatMap((item) => (item.kind === "name" ? [item.name] : []));
  const unknown = names.filter((name) => findNamed(pod, name).length === 0);
  if (unknown.length > 0) return { kind: "unknown_name", names: unknown };
  const appPorts = chosen === null ? discovered : unique(chosen.flatMap((item) => list(pod, item)));
  if (appPorts.length > maxAppPorts) return { kind: "too_many", count: appPorts.length };
  return { kind: "planned", plan: allocate(appPorts, new Set([...discovered, ...appPorts])) };
}

function list(pod: Pod, item: PortItem): number[] {
  if (item.kind === "name") return findNamed(pod, item.name);
  return Array.from({ length: item.last - item.first + 1 }, (_, index) => item.first + index);
}

/** First the ports that containers declare, in their order, then those that others connect to. */
function discoverPorts(pod: Pod): number[] {
  const containers = runningContainers(pod.spec);
  const declared = containers.flatMap(findTcpPorts).map((declaration) => declaration.containerPort);
  const prometheus = Number(pod.metadata?.annotations?.[prometheusPortKey] ?? Number.NaN);
  return unique([...declared, ...containers.flatMap(findHandlerPorts), prometheus]).filter(
    (number) => Number.isInteger(number) && number >= 1 && number <= 65_535,
  );
}

type DeclaredPort = NonNullable<Pod["spec"]["containers"][number]["ports"]>[number];

function findTcpPorts(container: Pod["spec"]["containers"][number]): DeclaredPort[] {
  return (container.ports ?? []).filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
}

function findNamed(pod: Pod, name: string): number[] {
  return runningContainers(pod.spec)
    .flatMap(findTcpPorts)
    .filter((declared) => declared.name === name)
    .map((declared) => declared.containerPort);
}

/** Our ports make way for those of the application. */
function allocate(appPorts: readonly number[], owned: ReadonlySet<number>): PortPlan {
  const taken = new Set(owned);
  const take = (first: number): number => {
    let candidate = first;
    while (taken.has(candidate)) candidate += 1;
    taken.add(candidate);
    return candidate;
  };
  const adminPort = take(port.admin);
  const listeners = appPorts.map((targetPort, index) => {
    const first = index === 0 && !taken.has(port.firstListener);
    return { port: take(first ? port.firstListener : port.nextListener), targetPort };
  });
  return { listeners, adminPort };
}

const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)];
