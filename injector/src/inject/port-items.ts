/** From what annotations say about ports to the numbers of those ports in a pod. Pure. */
import type { PortItem } from "../annotations/port-list.ts";
import { formatPortRange, type PortRange } from "../settings/value.ts";
import type { Container, StringMap } from "./kubernetes.ts";

type DeclaredPort = NonNullable<Container["ports"]>[number];

export function findTcpPorts(container: Container): DeclaredPort[] {
  return (container.ports ?? []).filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
}

export function toRanges(containers: readonly Container[], item: PortItem): PortRange[] {
  if (item.kind === "range") return [{ first: item.first, last: item.last }];
  return containers
    .flatMap(findTcpPorts)
    .filter((declared) => declared.name === item.name)
    .map(({ containerPort }) => ({ first: containerPort, last: containerPort }));
}

/** Every port of every range. */
export function list(ranges: readonly PortRange[]): number[] {
  return ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

export const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)];

/** Annotations and the items that they name. */
export type ItemLists = readonly (readonly [string, readonly PortItem[]])[];

/** Of the pod's own annotations: what its namespace names is for those of its pods that have it. */
export function findUnknownNames(
  containers: readonly Container[],
  lists: ItemLists,
  own: StringMap,
): string[] {
  return lists
    .filter(([annotation]) => own[annotation] !== undefined)
    .flatMap(([annotation, items]) =>
      items
        .filter((item) => toRanges(containers, item).length === 0)
        .map((item) => (item.kind === "name" ? item.name : formatPortRange(item)))
        .map(
          (name) =>
            `annotation ${annotation}: "${name}" is not the name of a TCP port of a container`,
        ),
    );
}
