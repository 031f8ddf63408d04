/** The three containers that are added, from the choices made for the pod. Pure. */
import { adminPath, containerName } from "bouncer/contract";
import type { Options } from "../annotations/parse.ts";
import type { Settings } from "../settings.ts";
import {
  buildLoaderEnvironment,
  buildRedirectEnvironment,
  buildSidecarEnvironment,
  type SidecarFacts,
} from "./environment.ts";
import { buildResources, buildStepResources } from "./resources.ts";
import { buildRestricted, redirecting } from "./security-context.ts";
import type { Meshes } from "./mesh.ts";
import type { SpokenPort } from "./protocols.ts";
import { buildSidecarMounts, loaderMounts } from "./volumes.ts";

/** Name of the admin port, for PodMonitors and the like. */
const adminPortName = "bouncer-admin";

export interface Choices extends SidecarFacts {
  readonly options: Options;
  readonly settings: Settings;
  /** Version of the injector: the tag of the default image. */
  readonly version: string;
  readonly mode: "redirect" | "service";
  readonly meshes: Meshes;
  /** What Services say about app ports, where no annotation does. */
  readonly said: readonly SpokenPort[];
  /** The sidecar is an init container that goes on running. */
  readonly native: boolean;
  /** User and group of all but the redirect step. */
  readonly user: number;
}

type Role = "redirect" | "load" | "serve";

/** The steps request what the sidecar does: a pod reserves the larger of the two anyway. */
function buildBase(name: string, role: Role, { options, settings, version }: Choices) {
  const build = role === "serve" ? buildResources : buildStepResources;
  return {
    name,
    image: options.image ?? settings.image ?? `bouncer:${version}`,
    imagePullPolicy: settings.imagePullPolicy,
    args: [role],
    resources: build(options, settings.presets),
  };
}

export function buildRedirect(choices: Choices) {
  const { plan, options, meshes } = choices;
  const meshPorts = meshes.sidecars.flatMap(({ open }) => open);
  return {
    ...buildBase(containerName.redirect, "redirect", choices),
    env: buildRedirectEnvironment(plan, options, meshPorts),
    securityContext: redirecting,
  };
}

export function buildLoader(choices: Choices) {
  const { options, settings, user } = choices;
  return {
    ...buildBase(containerName.loader, "load", choices),
    env: [...buildLoaderEnvironment(options, settings), ...options.extraEnv],
    volumeMounts: [...loaderMounts],
    securityContext: buildRestricted(user),
  };
}

/** Waits until the bouncer serves: the kubelet starts the next container after that. */
const waitHook = { exec: { command: ["node", "/app/main.mjs", "wait"] } } as const;

export function buildSidecar(choices: Choices) {
  const { options, settings, plan, adminToken, native, user } = choices;
  const get = (path: string) => ({ httpGet: { path, port: plan.adminPort } });
  const preStop = get(`${adminPath.drain}/${adminToken}`);
  return {
    ...buildBase(containerName.sidecar, "serve", choices),
    ...(native && { restartPolicy: "Always" }),
    env: [
      ...buildLoaderEnvironment(options, settings),
      ...buildSidecarEnvironment(choices, options, settings),
      ...options.extraEnv,
    ],
    ports: buildPorts(choices),
    volumeMounts: buildSidecarMounts(settings, plan),
    startupProbe: { ...get(adminPath.health), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...get(adminPath.health), periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { ...get(adminPath.ready), periodSeconds: 2, timeoutSeconds: 2 },
    lifecycle: native ? { preStop } : { postStart: waitHook, preStop },
    securityContext: buildRestricted(user),
  };
}

/** In service mode the listeners have names, so that Services can target them by name. */
function buildPorts({ mode, plan }: Choices) {
  const admin = { name: adminPortName, containerPort: plan.adminPort };
  if (mode === "redirect") return [admin];
  const listeners = plan.listeners.map((listener, index) => ({
    name: listenerPortName(index),
    containerPort: listener.port,
  }));
  return [...listeners, admin];
}

/** `bouncer`, `bouncer-2`, `bouncer-3`: for the first app port, the second, the third. */
export function listenerPortName(index: number): string {
  return index === 0 ? "bouncer" : `bouncer-${index + 1}`;
}
