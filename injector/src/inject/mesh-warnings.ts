/** What a mesh does to a pod's enforcement that no annotation of ours can change. Pure. */
import { warn } from "../admission/reasons.ts";
import type { Warning } from "./injection.ts";
import type { Pod } from "./kubernetes.ts";
import { findStatusPort, hbonePort, type Meshes, type SidecarMesh } from "./mesh.ts";
import { type Enforcement, findIncluded, findMissed } from "./mesh-ports.ts";
import { findVariable } from "./mesh-probes.ts";

const tlsModeKey = "security.istio.io/tlsMode";
const mergeKey = "prometheus.istio.io/merge-metrics";

export function warnAboutMeshes(pod: Pod, meshes: Meshes, enforcement: Enforcement): Warning[] {
  const missed = meshes.sidecars.flatMap((mesh) => warnAboutMissed(pod, mesh, enforcement));
  // What is not decided cannot be bypassed.
  if (enforcement.plan.listeners.length === 0) return missed;
  const others =
    enforcement.mode === "service"
      ? warnInServiceMode(meshes, enforcement)
      : [
          ...meshes.sidecars.flatMap((mesh) => warnInRedirectMode(pod, mesh, enforcement)),
          ...(meshes.ambient ? [warnAboutAmbient(enforcement)] : []),
        ];
  return [...missed, ...others];
}

function warnAboutMissed(pod: Pod, mesh: SidecarMesh, enforcement: Enforcement): Warning[] {
  const missed = findMissed(pod, mesh, enforcement);
  if (missed.length === 0) return [];
  const about = `${mesh.name} takes ${missed.join(", ")}; write that into ${mesh.skipKey} of the pod template`;
  return [warn("mesh_misses_ports", about)];
}

function warnInServiceMode({ sidecars, ambient }: Meshes, { plan }: Enforcement): Warning[] {
  const ports = plan.listeners.map(({ targetPort }) => targetPort).join(", ");
  const names = [...sidecars.map(({ name }) => name), ...(ambient ? [ambientName] : [])];
  return names.map((name) =>
    warn(
      "mesh_bypasses_bouncer",
      `${name} carries what is sent to ${ports}; refuse that by an AuthorizationPolicy`,
    ),
  );
}

const ambientName = "Istio's ambient mode";

function warnInRedirectMode(pod: Pod, mesh: SidecarMesh, enforcement: Enforcement): Warning[] {
  const ports = enforcement.plan.listeners.map(({ targetPort }) => targetPort);
  const included = (findIncluded(pod, mesh) ?? []).filter((port) => ports.includes(port));
  const tunnel = findTunnel(pod, mesh);
  return [
    ...(included.length > 0
      ? [
          warn(
            "mesh_bypasses_bouncer",
            `Istio takes ${included.join(", ")}; remove that from traffic.sidecar.istio.io/includeInboundPorts`,
          ),
        ]
      : []),
    ...(tunnel !== null && isOpen(enforcement, tunnel) ? [warnAboutTunnel(mesh.name, tunnel)] : []),
    ...(mesh.kind === "istio" ? warnAboutIstio(pod, mesh, ports) : []),
  ];
}

function warnAboutIstio(pod: Pod, mesh: SidecarMesh, ports: readonly number[]): Warning[] {
  const metadata = pod.metadata ?? {};
  const about = `Istio, unless the pod template has the label ${tlsModeKey}: disabled, or a PeerAuthentication with portLevelMtls DISABLE is there for ${ports.join(", ")}`;
  const merged = `Istio's agent gives the application's metrics on port ${findStatusPort(metadata)}; annotate the pod template ${mergeKey}: "false"`;
  return [
    ...(metadata.labels?.[tlsModeKey] === "disabled"
      ? []
      : [warn("mesh_encrypts_requests", about)]),
    ...(mergesMetrics(pod, mesh) ? [warn("mesh_bypasses_bouncer", merged)] : []),
  ];
}

/** Istio's agent asks the application for its metrics inside of the pod, and adds them to its own. */
function mergesMetrics(pod: Pod, { state }: SidecarMesh): boolean {
  if (state === "present") return findVariable(pod, "ISTIO_PROMETHEUS_ANNOTATIONS") !== null;
  const annotations = pod.metadata?.annotations ?? {};
  return annotations["prometheus.io/scrape"] === "true" && annotations[mergeKey] !== "false";
}

/** Port of the proxy on which clients name the application's port themselves. */
function findTunnel(pod: Pod, { kind }: SidecarMesh): number | null {
  if (kind === "linkerd") {
    return Number(pod.metadata?.annotations?.["config.linkerd.io/inbound-port"] ?? 4143);
  }
  return findVariable(pod, "ISTIO_META_ENABLE_HBONE") === "true" ? hbonePort : null;
}

function isOpen({ unlistedPorts, plan }: Enforcement, port: number): boolean {
  const isExcluded = plan.excluded.some(({ first, last }) => first <= port && port <= last);
  return unlistedPorts === "allow" || isExcluded;
}

function warnAboutTunnel(name: string, port: number): Warning {
  return warn(
    "mesh_bypasses_bouncer",
    `${name} hands on what comes to port ${port}, which is open; use bouncer.dev/unlisted-ports: deny, and do not exclude it`,
  );
}

function warnAboutAmbient(enforcement: Enforcement): Warning {
  if (isOpen(enforcement, hbonePort)) return warnAboutTunnel(ambientName, hbonePort);
  return warn(
    "mesh_encrypts_requests",
    `${ambientName} sends to port ${hbonePort}; label the pod template istio.io/dataplane-mode: none, or use bouncer.dev/mode: service`,
  );
}
