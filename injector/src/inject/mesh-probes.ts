/**
 * The probes and hooks that Istio has pointed to its own agent in the pod. They stay, since there
 * the agent asks the application. One that pointed to the bouncer before comes back to it, since
 * else the bouncer would ask the agent, which asks the bouncer. Pure.
 */
import { adminPath, containerName, type ProbeField, probeFields } from "bouncer/contract";
import * as v from "valibot";
import { getHandler, withHandler } from "./handlers.ts";
import type { Container, Handler, Metadata, Pod } from "./kubernetes.ts";
import { findStatusPort, istioProxy, type Meshes, namesOf } from "./mesh.ts";

const agentPath: Readonly<Record<ProbeField, (container: string) => string>> = {
  readinessProbe: (container) => `/app-health/${container}/readyz`,
  livenessProbe: (container) => `/app-health/${container}/livez`,
  startupProbe: (container) => `/app-health/${container}/startupz`,
  preStop: (container) => `/app-lifecycle/${container}/prestopz`,
  postStart: (container) => `/app-lifecycle/${container}/poststartz`,
};

/** Whether it is where Istio points that probe or hook of that container to. */
export function isOfAgent(container: string, field: ProbeField, handler: Handler): boolean {
  return handler.httpGet?.path === agentPath[field](container);
}

/** Whether the kubelet is to be left to ask what it asks there. */
export type IsForeign = (container: Container, field: ProbeField, handler: Handler) => boolean;

export function findForeign(meshes: Meshes): IsForeign {
  const names = namesOf(meshes);
  const hasAgent = names.includes(istioProxy);
  return ({ name }, field, handler) =>
    names.includes(name) || (hasAgent && isOfAgent(name, field, handler));
}

/**
 * The pod as if its meshes had not seen it, for finding the application's ports: without their
 * containers, with the probes and the Prometheus port that were there before.
 */
export function withoutMeshes(pod: Pod, meshes: Meshes): Pod {
  const names = namesOf(meshes);
  if (names.length === 0) return pod;
  const originals = names.includes(istioProxy) ? readOriginals(pod) : null;
  const clean = (containers: readonly Container[]) =>
    containers
      .filter(({ name }) => !names.includes(name))
      .map((container) => (originals === null ? container : restore(container, originals.probes)));
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    metadata: withPrometheusPort(pod.metadata ?? {}, originals),
    spec: {
      ...pod.spec,
      containers: clean(containers),
      ...(initContainers && { initContainers: clean(initContainers) }),
    },
  };
}

function restore(container: Container, probes: Originals["probes"]): Container {
  return probeFields.reduce((current, field) => {
    const handler = getHandler(current, field);
    if (handler === null || !isOfAgent(current.name, field, handler)) return current;
    return withHandler(current, field, probes[agentPath[field](current.name)] ?? {});
  }, container);
}

const prometheusPortKey = "prometheus.io/port";

function withPrometheusPort(metadata: Metadata, originals: Originals | null): Metadata {
  const { [prometheusPortKey]: port, ...rest } = metadata.annotations ?? {};
  if (originals === null || port !== String(findStatusPort(metadata))) return metadata;
  const original = originals.prometheusPort;
  const annotations = original === null ? rest : { ...rest, [prometheusPortKey]: original };
  return { ...metadata, annotations };
}

/** What Istio's agent was told that was in the pod before. */
interface Originals {
  /** By the path at the agent. */
  readonly probes: Readonly<Record<string, Handler>>;
  readonly prometheusPort: string | null;
}

const port = v.object({ port: v.number() });
const probesSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(
    v.string(),
    v.object({
      httpGet: v.optional(v.object({ ...port.entries, path: v.optional(v.string()) })),
      tcpSocket: v.optional(port),
      grpc: v.optional(port),
    }),
  ),
);

const prometheusSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ port: v.optional(v.string()) }),
);

function readOriginals(pod: Pod): Originals {
  const probes = v.safeParse(probesSchema, findVariable(pod, "ISTIO_KUBE_APP_PROBERS"));
  const prometheus = v.safeParse(
    prometheusSchema,
    findVariable(pod, "ISTIO_PROMETHEUS_ANNOTATIONS"),
  );
  const entries = probes.success ? Object.entries(probes.output) : [];
  return {
    probes: Object.fromEntries(entries.filter(([path, probe]) => !isOurs(path, probe))),
    prometheusPort: (prometheus.success ? prometheus.output.port : undefined) ?? null,
  };
}

/** As `probePath` makes them. */
const ourPath = new RegExp(`^${adminPath.probe}/[\\w-]{16,128}/`);

/** Of our own container, or of one whose probe the bouncer did when Istio saw it. */
function isOurs(path: string, { httpGet }: Handler): boolean {
  const [, , container = ""] = path.split("/");
  const names: readonly string[] = Object.values(containerName);
  return names.includes(container) || ourPath.test(httpGet?.path ?? "");
}

/** Of Istio's proxy. */
export function findVariable({ spec }: Pod, name: string): string | null {
  const proxy = [...(spec.initContainers ?? []), ...spec.containers].find(
    (container) => container.name === istioProxy,
  );
  return proxy?.env?.find((variable) => variable.name === name)?.value ?? null;
}
