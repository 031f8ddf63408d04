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
import { redirecting, restricted } from "./security-context.ts";
import { loaderMounts, sidecarMounts } from "./volumes.ts";

/** Name of the admin port, for PodMonitors and the like. */
const adminPortName = "bouncer-admin";

export interface Choices extends SidecarFacts {
  readonly options: Options;
  readonly settings: Settings;
  /** Version of the injector: the tag of the default image. */
  readonly version: string;
}

type Role = "redirect" | "load" | "serve";

/** The steps request what the sidecar does: a pod reserves the larger of the two anyway. */
function buildBase(name: string, role: Role, { options, settings, version }: Choices) {
  const build = role === "serve" ? buildResources : buildStepResources;
  return {
    name,
    image: settings.image ?? `bouncer:${version}`,
    imagePullPolicy: settings.imagePullPolicy,
    args: [role],
    resources: build(options, settings.presets),
  };
}

export function buildRedirect(choices: Choices) {
  return {
    ...buildBase(containerName.redirect, "redirect", choices),
    env: buildRedirectEnvironment(choices.plan, choices.options),
    securityContext: redirecting,
  };
}

export function buildLoader(choices: Choices) {
  const { options, settings } = choices;
  return {
    ...buildBase(containerName.loader, "load", choices),
    env: [...buildLoaderEnvironment(options, settings), ...settings.extraEnv],
    volumeMounts: [...loaderMounts],
    securityContext: restricted,
  };
}

export function buildSidecar(choices: Choices) {
  const { options, settings, plan, adminToken } = choices;
  const get = (path: string) => ({ httpGet: { path, port: plan.adminPort } });
  const native = settings.nativeSidecar ? { restartPolicy: "Always" } : {};
  return {
    ...buildBase(containerName.sidecar, "serve", choices),
    ...native,
    env: [
      ...buildLoaderEnvironment(options, settings),
      ...buildSidecarEnvironment(choices, options, settings),
      ...settings.extraEnv,
    ],
    ports: [{ name: adminPortName, containerPort: plan.adminPort }],
    volumeMounts: [...sidecarMounts],
    startupProbe: { ...get(adminPath.health), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...get(adminPath.health), periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { ...get(adminPath.ready), periodSeconds: 2, timeoutSeconds: 2 },
    lifecycle: { preStop: get(`${adminPath.drain}/${adminToken}`) },
    securityContext: restricted,
  };
}
