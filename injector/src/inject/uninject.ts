/**
 * Takes back what the injector did, as the status annotation tells: its containers and volumes go,
 * replaced probes return, and maps and lists that it had to create vanish again. Whatever others
 * have put into the pod since stays. Pure.
 */
import { containerName, environment } from "bouncer/contract";
import { statusKey } from "../annotations/table.ts";
import type { Uninjection } from "./injection.ts";
import { checkPod, type Container, type Metadata, type Pod, type PodSpec } from "./kubernetes.ts";
import { isMeshList } from "./mesh.ts";
import { shorten } from "./pod-annotations.ts";
import { restoreProbes } from "./probes.ts";
import { readStatus, type Status } from "./status.ts";

const adminTokenPattern = /^[\w-]{16,128}$/;

export function uninject(value: unknown): Uninjection {
  const checked = checkPod(value);
  if (!checked.ok) return { kind: "failed", problems: checked.problems };
  const read = readStatus(checked.pod);
  if (read.kind === "none") return { kind: "unchanged" };
  if (read.kind === "invalid") return { kind: "failed", problems: [read.problem] };
  return { kind: "uninjected", pod: strip(checked.pod, read.status) };
}

/** The token of an injected pod; null when it has none that could be used again. */
export function findAdminToken(pod: Pod): string | null {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const sidecar = containers.find(({ name }) => name === containerName.sidecar);
  const token = sidecar?.env?.find(({ name }) => name === environment.adminToken)?.value ?? "";
  return adminTokenPattern.test(token) ? token : null;
}

export function strip(pod: Pod, status: Status): Pod {
  const spec = stripSpec(pod.spec, status, findAdminToken(pod));
  const metadata = stripMetadata(pod.metadata ?? {}, status);
  return restore({ ...pod, metadata, spec }, "metadata", status.created["metadata"]);
}

function stripSpec(spec: PodSpec, { added, created, replaced }: Status, token: string | null) {
  const restoreIn = (containers: Container[]) =>
    token === null ? containers : restoreProbes(containers, replaced, token);
  const { initContainers, volumes, imagePullSecrets } = spec;
  const inits = initContainers && restoreIn(without(initContainers, added.initContainers));
  const stripped: PodSpec = {
    ...spec,
    containers: restoreIn(without(spec.containers, added.containers)),
    ...(inits && { initContainers: inits }),
    ...(volumes && { volumes: without(volumes, added.volumes) }),
    ...(imagePullSecrets && {
      imagePullSecrets: without(imagePullSecrets, added.imagePullSecrets),
    }),
  };
  const keys = ["initContainers", "volumes", "imagePullSecrets"] as const;
  return keys.reduce((current, key) => restore(current, key, created[`spec.${key}`]), stripped);
}

function stripMetadata(metadata: Metadata, { added, extended, created }: Status): Metadata {
  const isOurs = (key: string, value: string) =>
    key === statusKey || added.annotations[key] === value;
  const kept = Object.entries(metadata.annotations ?? {}).filter(
    ([key, value]) => !isOurs(key, value),
  );
  const restored = kept.map(([key, value]): [string, string] => {
    const written = extended[key];
    if (written?.to === value) return [key, written.from];
    // Somebody has changed it since. Istio's injector adds to a list of ours: its items stay.
    const { from, to } = written ?? { from: "", to: added.annotations[key] ?? "" };
    return [key, isMeshList(key) ? shorten(value, from, to) : value];
  });
  const stripped = { ...metadata, annotations: Object.fromEntries(restored) };
  return restore(stripped, "annotations", created["metadata.annotations"]);
}

function without<Item extends { name?: string | null | undefined }>(
  items: readonly Item[],
  names: readonly string[],
): Item[] {
  return items.filter(({ name }) => !names.includes(name ?? ""));
}

/** A map or list that the injector created goes away with its last entry. */
function restore<Owner extends object>(
  owner: Owner,
  key: keyof Owner & string,
  before: "absent" | "null" | undefined,
): Owner {
  const value = owner[key];
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  if (before === undefined || !isEmpty) return owner;
  if (before === "null") return { ...owner, [key]: null };
  const restored = { ...owner };
  delete restored[key];
  return restored;
}
