/**
 * The wanted pod, from a pod that carries nothing of ours and the choices made for it. Appends and
 * places; of what the user wrote it changes probes and hooks, nothing else. Pure.
 */
import { formatListeners } from "bouncer/contract";
import type { Options } from "../annotations/parse.ts";
import { statusKey } from "../annotations/table.ts";
import type { Settings } from "../settings.ts";
import { buildLoader, buildRedirect, buildSidecar, type Choices } from "./containers.ts";
import { hash } from "./hash.ts";
import type { Warning } from "./injection.ts";
import type { Container, Pod, PodSpec, StringMap } from "./kubernetes.ts";
import { countBefore } from "./mesh.ts";
import { buildSkipLists } from "./mesh-ports.ts";
import { findForeign } from "./mesh-probes.ts";
import { buildAnnotations } from "./pod-annotations.ts";
import { rewriteProbes } from "./probes.ts";
import { formatSpoken } from "./protocols.ts";
import { type Before, formatStatus, type Status } from "./status.ts";
import { buildVolumes } from "./volumes.ts";

interface Rendered {
  readonly pod: Pod;
  readonly warnings: readonly Warning[];
}

/** `original` carries nothing of ours. */
export function renderPod(
  original: Pod,
  chosen: Omit<Choices, "probes">,
  namespaceAnnotations: StringMap,
): Rendered {
  const { plan, meshes, mode, options } = chosen;
  // Nothing is redirected in service mode, so the kubelet reaches the application by itself.
  const rewritten =
    mode === "service"
      ? { spec: original.spec, probes: [], replaced: [], warnings: [] }
      : rewriteProbes(original.spec, plan.adminPort, chosen.adminToken, findForeign(meshes));
  const choices = { ...chosen, probes: rewritten.probes };
  const additions = buildAdditions(original.spec, choices);
  const enforcement = { mode, plan, unlistedPorts: options.unlistedPorts };
  const lists = buildSkipLists(original, meshes, enforcement, namespaceAnnotations);
  const { added, extended } = buildAnnotations(original, lists, additions.volumes.map(nameOf));
  const status = buildStatus(choices, {
    added: {
      initContainers: additions.initContainers.map(nameOf),
      containers: additions.containers.map(nameOf),
      volumes: additions.volumes.map(nameOf),
      imagePullSecrets: additions.imagePullSecrets.map(nameOf),
      annotations: added,
    },
    extended,
    created: findCreated(original),
    replaced: [...rewritten.replaced],
  });
  const metadata = {
    ...original.metadata,
    annotations: {
      ...original.metadata?.annotations,
      ...added,
      ...Object.fromEntries(Object.entries(extended).map(([key, { to }]) => [key, to])),
      [statusKey]: formatStatus(status),
    },
  };
  const pod = {
    ...original,
    metadata,
    spec: place(rewritten.spec, additions, countBefore(original, meshes)),
  };
  return { pod, warnings: rewritten.warnings };
}

const nameOf = ({ name }: { readonly name: string }) => name;

interface Additions {
  readonly initContainers: Container[];
  readonly containers: Container[];
  readonly volumes: { name: string }[];
  readonly imagePullSecrets: { name: string }[];
}

function buildAdditions(spec: PodSpec, choices: Choices): Additions {
  const { imagePullSecrets } = choices.settings;
  const { mode, native } = choices;
  const sidecar = buildSidecar(choices);
  const loader = buildLoader(choices);
  const steps = mode === "redirect" ? [buildRedirect(choices), loader] : [loader];
  const present = spec.imagePullSecrets ?? [];
  return {
    initContainers: native ? [...steps, sidecar] : steps,
    containers: native ? [] : [sidecar],
    volumes: buildVolumes(choices.options, choices.settings, choices.plan),
    imagePullSecrets: imagePullSecrets
      .filter((name) => !present.some((secret) => secret.name === name))
      .map((name) => ({ name })),
  };
}

/** Ours start before the user's own init containers; what is empty stays as it was. */
function place(spec: PodSpec, additions: Additions, before: number): PodSpec {
  const { initContainers, containers, volumes, imagePullSecrets } = additions;
  const present = spec.initContainers ?? [];
  return {
    ...spec,
    initContainers: [...present.slice(0, before), ...initContainers, ...present.slice(before)],
    containers: [...containers, ...spec.containers],
    volumes: [...(spec.volumes ?? []), ...volumes],
    ...(imagePullSecrets.length > 0 && {
      imagePullSecrets: [...(spec.imagePullSecrets ?? []), ...imagePullSecrets],
    }),
  };
}

/** What a pod was rendered from: another hash, and it would be rendered otherwise now. */
export function hashConfig(settings: Settings, options: Options): string {
  return hash(JSON.stringify([settings, options]));
}

function buildStatus(
  { options, settings, plan, version, mode, native, said }: Choices,
  done: Pick<Status, "added" | "extended" | "created" | "replaced">,
): Status {
  return {
    version,
    config: hashConfig(settings, options),
    chosen: {
      preset: options.preset,
      mode,
      nativeSidecar: native,
      revision: settings.revision,
      listeners: formatListeners(plan.listeners),
      adminPort: plan.adminPort,
      unlistedPorts: options.unlistedPorts,
      ...(said.length > 0 && { serviceProtocols: formatSpoken(said) }),
    },
    ...done,
  };
}

/** Maps and lists that are about to be created, and how they were. */
function findCreated({ metadata, spec }: Pod): Record<string, Before> {
  const owners = {
    metadata,
    "metadata.annotations": metadata?.annotations,
    "spec.initContainers": spec.initContainers,
    "spec.volumes": spec.volumes,
    "spec.imagePullSecrets": spec.imagePullSecrets,
  };
  const created: Record<string, Before> = {};
  for (const [path, value] of Object.entries(owners)) {
    if (value === undefined) created[path] = "absent";
    if (value === null) created[path] = "null";
  }
  return created;
}
