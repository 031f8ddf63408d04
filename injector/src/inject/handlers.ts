/**
 * The probes and hooks of containers: what the kubelet would do, as data. One function reads them
 * for the ports they name and for rewriting them, so both always agree. Pure.
 */
import { type ProbeAction, type ProbeField, probeFields } from "bouncer/contract";
import type { Container, Handler, PodSpec, PortReference, ProbeSpec } from "./kubernetes.ts";

/** Keys of a handler of which one says what is done. */
export const actionKeys = ["exec", "sleep", "httpGet", "tcpSocket", "grpc"] as const;

const isPort = (value: number) => Number.isInteger(value) && value >= 1 && value <= 65_535;

/** Containers that run together with the application: its own, and the pod's native sidecars. */
export function runningContainers(spec: PodSpec): Container[] {
  const sidecars = (spec.initContainers ?? []).filter((init) => init.restartPolicy === "Always");
  return [...spec.containers, ...sidecars];
}

/** As the kubelet: a number, else the name of a port of the container, else digits in quotes. */
export function resolvePort(container: Container, port: PortReference): number | undefined {
  if (typeof port === "number") return isPort(port) ? port : undefined;
  const named = container.ports?.find((declared) => declared.name === port)?.containerPort;
  if (named !== undefined) return isPort(named) ? named : undefined;
  return /^\d{1,5}$/.test(port) && isPort(Number(port)) ? Number(port) : undefined;
}

/** The probe or hook of that field; null when there is none. */
export function getHandler(container: Container, field: ProbeField): Handler | ProbeSpec | null {
  if (field === "postStart" || field === "preStop") return container.lifecycle?.[field] ?? null;
  return container[field] ?? null;
}

export function withHandler(container: Container, field: ProbeField, handler: Handler): Container {
  if (field === "postStart" || field === "preStop") {
    return { ...container, lifecycle: { ...container.lifecycle, [field]: handler } };
  }
  return { ...container, [field]: handler };
}

export type ReadHandler =
  | { readonly kind: "action"; readonly action: ProbeAction }
  /** Not of the network: exec, sleep, or nothing at all. */
  | { readonly kind: "local" }
  /** The kubelet is better left to do it; `why` completes "the liveness probe of web ...". */
  | { readonly kind: "unreadable"; readonly why: string };

export function readHandler(container: Container, handler: Handler): ReadHandler {
  if (isSet(handler.exec) || isSet(handler.sleep)) return { kind: "local" };
  const target = handler.httpGet ?? handler.tcpSocket ?? handler.grpc;
  if (!isSet(target)) return { kind: "local" };
  const host = "host" in target ? (target.host ?? "") : "";
  if (host !== "") return { kind: "unreadable", why: `has the host "${host}"` };
  const port = resolvePort(container, target.port);
  if (port === undefined) return { kind: "unreadable", why: `has the port "${target.port}"` };
  return { kind: "action", action: buildAction(handler, port) };
}

function buildAction({ httpGet, tcpSocket, grpc }: Handler, port: number): ProbeAction {
  if (isSet(httpGet)) return buildHttpAction(httpGet, port);
  if (isSet(tcpSocket)) return { kind: "tcp", port };
  return { kind: "grpc", port, service: grpc?.service ?? "" };
}

function buildHttpAction(
  { scheme, path, httpHeaders }: NonNullable<Handler["httpGet"]>,
  port: number,
): ProbeAction {
  return {
    kind: "http",
    scheme: scheme?.toUpperCase() === "HTTPS" ? "https" : "http",
    port,
    path: `/${(path ?? "").replace(/^\//, "")}`,
    headers: (httpHeaders ?? []).map(({ name, value }) => ({ name, value: value ?? "" })),
  };
}

/** Ports of everything that the kubelet does over the network. */
export function findHandlerPorts(container: Container): number[] {
  return probeFields.flatMap((field) => {
    const handler = getHandler(container, field);
    const read = handler === null ? null : readHandler(container, handler);
    return read?.kind === "action" ? [read.action.port] : [];
  });
}

function isSet<T>(value: T): value is NonNullable<T> {
  return value !== null && value !== undefined;
}
