/**
 * Which ports of the pod the bouncer stands in front of, and where it listens itself. Pure.
 */
import { type Listener, port } from "bouncer/contract";
import type { PortItem } from "../annotations/port-list.ts";
import { table } from "../annotations/table.ts";
import type { PortRange } from "../settings/value.ts";
import { findHandlerPorts, runningContainers } from "./handlers.ts";
import type { Container, Pod, StringMap } from "./kubernetes.ts";
import { findTcpPorts, findUnknownNames, list, toRanges, unique } from "./port-items.ts";
import { type ChosenProtocols, planProtocols, type ProtocolPlan } from "./protocols.ts";

/** One listening socket each; a wide range in `app-ports` is a mistake, or a job for `allow`. */
export const maxAppPorts = 256;

const prometheusPortKey = "prometheus.io/port";

export interface PortPlan extends ProtocolPlan {
  readonly listeners: readonly Listener[];
  readonly adminPort: number;
  /** Let through as they are. */
  readonly excluded: readonly PortRange[];
  /** Ports of the application, among those of the listeners, that do not speak HTTP. */
  readonly opaque: readonly number[];
}

export type PlannedPorts =
  | { readonly kind: "planned"; readonly plan: PortPlan }
  | {
      readonly kind: "refused";
      readonly reason: "invalid_annotation" | "too_many_ports";
      readonly problems: readonly string[];
    };

export interface ChosenPorts extends ChosenProtocols {
  /** null: what the pod declares. */
  readonly appPorts: readonly PortItem[] | null;
  readonly excludedPorts: readonly PortItem[];
  readonly opaquePorts: readonly PortItem[];
}

/** `reserved`: for the proxies of a mesh. */
export function planPorts(
  pod: Pod,
  chosen: ChosenPorts,
  reserved: readonly PortRange[] = [],
): PlannedPorts {
  const containers = runningContainers(pod.spec);
  const own = pod.metadata?.annotations ?? {};
  const unknown = findUnknownNames(containers, listItems(chosen), own);
  if (unknown.length > 0)
    return { kind: "refused", reason: "invalid_annotation", problems: unknown };

  const discovered = discoverPorts(pod, containers);
  const resolve = (items: readonly PortItem[]) => items.flatMap((one) => toRanges(containers, one));
  const wanted = chosen.appPorts === null ? discovered : unique(list(resolve(chosen.appPorts)));
  const excluded = resolve(chosen.excludedPorts);
  const appPorts = wanted.filter((number) => !isWithin(excluded, number));
  const chosenOpaque = unique(list(resolve(chosen.opaquePorts)));
  const opaque = chosenOpaque.filter((number) => appPorts.includes(number));
  const stray = chosenOpaque.filter((number) => !appPorts.includes(number));
  const none = wanted.length > 0 && appPorts.length === 0;
  const ports = appPorts.filter((number) => !opaque.includes(number));
  const { spoken, problems: unspoken } = planProtocols(chosen, {
    containers,
    ports,
    hasAppPorts: appPorts.length > 0,
    own,
  });
  const problems = [...findContradictions({ none, stray }, own), ...unspoken];
  if (problems.length > 0) return { kind: "refused", reason: "invalid_annotation", problems };
  if (appPorts.length > maxAppPorts) return tooMany(appPorts.length);
  // Whatever the application may listen on, chosen or not, is not ours to take.
  const owned = new Set([...discovered, ...appPorts, ...list([...excluded, ...reserved])]);
  const plan = { ...allocate(appPorts, owned), excluded, opaque, ...spoken };
  return { kind: "planned", plan };
}

function listItems(chosen: ChosenPorts) {
  return [
    [table.appPorts.name, chosen.appPorts ?? []],
    [table.excludedPorts.name, chosen.excludedPorts],
    [table.opaquePorts.name, chosen.opaquePorts],
    [table.appProtocols.name, chosen.appProtocols.map(({ port: item }) => item)],
    [table.tlsPorts.name, chosen.tlsPorts ?? []],
  ] as const;
}

function tooMany(count: number): PlannedPorts {
  const problem = `the pod has ${count} app ports, the bouncer listens for ${maxAppPorts} at most`;
  return { kind: "refused", reason: "too_many_ports", problems: [problem] };
}

interface Contradictions {
  /** Every app port is excluded. */
  readonly none: boolean;
  /** Opaque, and no app ports. */
  readonly stray: readonly number[];
}

function findContradictions({ none, stray }: Contradictions, own: StringMap): string[] {
  const { excludedPorts, opaquePorts } = table;
  return [
    ...(none && own[excludedPorts.name] !== undefined
      ? [
          `annotation ${excludedPorts.name}: it excludes every app port, so nothing would be decided`,
        ]
      : []),
    ...(stray.length > 0 && own[opaquePorts.name] !== undefined
      ? [`annotation ${opaquePorts.name}: ${stray.join(", ")} is not among the app ports`]
      : []),
  ];
}

const isWithin = (ranges: readonly PortRange[], number: number) =>
  ranges.some(({ first, last }) => first <= number && number <= last);

/** First the ports that containers declare, in their order, then those that others connect to. */
function discoverPorts(pod: Pod, containers: readonly Container[]): number[] {
  const declared = containers.flatMap(findTcpPorts).map((declaration) => declaration.containerPort);
  const annotated = pod.metadata?.annotations?.[prometheusPortKey];
  const prometheus = annotated === undefined ? Number.NaN : Number(annotated);
  return unique([...declared, ...containers.flatMap(findHandlerPorts), prometheus]).filter(
    (number) => Number.isInteger(number) && number >= 1 && number <= 65_535,
  );
}

/** Our ports make way for those of the application. */
function allocate(
  appPorts: readonly number[],
  owned: ReadonlySet<number>,
): Pick<PortPlan, "listeners" | "adminPort"> {
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
