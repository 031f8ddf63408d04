/**
 * The injector's one function: what becomes of a pod. The webhook, the command line and the tests
 * all call it. Pure: what it is not told in the context, it does not know.
 */
import { containerName, volumeName } from "bouncer/contract";
import { chooseMode, decide, type Mode, warnAboutWish } from "../admission/decide.ts";
import { type Facts, gatherFacts } from "../admission/facts.ts";
import { findTooOld } from "../admission/native.ts";
import { type DenyCode, reasons, warn } from "../admission/reasons.ts";
import { type Options, parseAnnotations } from "../annotations/parse.ts";
import { statusKey, table } from "../annotations/table.ts";
import type { ClusterFacts, Injection, InjectionContext, Warning } from "./injection.ts";
import { checkPod, type Container, type Pod, type PodSpec } from "./kubernetes.ts";
import { findMeshes, findReserved } from "./mesh.ts";
import { withoutMeshes } from "./mesh-probes.ts";
import { warnAboutMeshes } from "./mesh-warnings.ts";
import { planPorts, type PortPlan } from "./ports.ts";
import { warnAboutPowers } from "./powers.ts";
import { parseSpoken } from "./protocols.ts";
import { renderPod } from "./render.ts";
import { chooseUser } from "./security-context.ts";
import { readServices, type SaidProtocols } from "./service-protocols.ts";
import { warnAboutServices } from "./services.ts";
import { type ReadStatus, readStatus } from "./status.ts";
import { findAdminToken, strip } from "./uninject.ts";

export function inject(value: unknown, context: InjectionContext): Injection {
  const checked = checkPod(value);
  if (!checked.ok) return deny("invalid_pod", checked.problems);
  const { pod } = checked;
  const annotations = pod.metadata?.annotations ?? {};
  const parsed = parseAnnotations(
    { namespace: context.namespace.annotations, pod: annotations },
    context.settings,
  );
  const facts = gatherFacts(pod, context, parsed, annotations[statusKey] !== undefined);
  const { verdict } = decide(facts);
  if (verdict.kind === "skip") return { ...verdict, message: reasons[verdict.reason].sentence };
  if (verdict.kind === "deny") {
    const { problems } = parsed;
    const isAbout = verdict.reason === "invalid_annotation";
    return deny(verdict.reason, isAbout ? problems : [reasons[verdict.reason].sentence]);
  }
  const given = [...warnAboutWish(facts), ...parsed.warnings];
  return injectWith(pod, { facts, options: parsed.options, given }, context);
}

interface Decided {
  readonly facts: Facts;
  readonly options: Options;
  readonly given: readonly Warning[];
}

/** The pod is to have a bouncer, and how is chosen. */
function injectWith(
  pod: Pod,
  { facts, options, given }: Decided,
  context: InjectionContext,
): Injection {
  const read = readStatus(pod);
  if (read.kind === "invalid") return deny("invalid_status", [read.problem]);
  const original = read.kind === "status" ? strip(pod, read.status) : pod;
  const conflicts = findConflicts(original.spec);
  if (conflicts.length > 0) return deny("name_conflict", conflicts);
  const mode = chooseMode(facts);
  const excludedPorts = mode.kind === "redirect" ? options.excludedPorts : [];
  const meshes = findMeshes(original, context.namespace);
  const application = withoutMeshes(original, meshes);
  const planned = planPorts(application, { ...options, excludedPorts }, findReserved(meshes));
  if (planned.kind === "refused") return deny(planned.reason, planned.problems);

  const { plan } = planned;
  const { settings, version } = context;
  const protocols = findProtocols(original, plan, { services: context.cluster.services, read });
  const choices = {
    plan,
    adminToken: findAdminToken(pod) ?? context.adminToken,
    options,
    settings,
    version,
    mode: mode.kind,
    meshes,
    said: protocols.ports,
    native: facts.sidecar === "native",
    user: chooseUser(context.namespace.annotations),
  };
  const rendered = renderPod(original, choices, context.namespace.annotations);
  const enforcement = { mode: mode.kind, plan, unlistedPorts: options.unlistedPorts };
  const warnings = [
    ...given,
    ...warnAboutMode(mode, plan, options),
    ...warnAboutOptions(options, facts, context),
    ...(mode.kind === "service"
      ? warnAboutServices(original, plan, context.cluster.services)
      : warnAboutPowers(application.spec)),
    ...protocols.warnings,
    ...warnAboutMeshes(original, meshes, enforcement),
    ...rendered.warnings,
  ];
  const reason = read.kind === "status" ? "already_injected" : "injected";
  return { kind: "inject", reason, pod: rendered.pod, mode: mode.kind, warnings };
}

interface Known {
  readonly services: ClusterFacts["services"];
  readonly read: ReadStatus;
}

/** Where Services cannot be asked now, a pod that was injected before keeps what they said then. */
function findProtocols(pod: Pod, plan: PortPlan, { services, read }: Known): SaidProtocols {
  if (services !== null) return readServices(pod, plan, services);
  const before = read.kind === "status" ? (read.status.chosen.serviceProtocols ?? "") : "";
  const isOurs = (port: number) =>
    plan.listeners.some(({ targetPort }) => targetPort === port) &&
    !plan.opaque.includes(port) &&
    !plan.protocols.has(port);
  return { ports: parseSpoken(before).filter(({ port }) => isOurs(port)), warnings: [] };
}

function deny(reason: DenyCode, problems: readonly string[]): Injection {
  return { kind: "deny", reason, problems };
}

const because = {
  pod_security: "the namespace's pod-security.kubernetes.io/enforce forbids NET_ADMIN",
  virtual_node: "it may run on a virtual node",
} as const;

function warnAboutMode(mode: Mode, plan: PortPlan, options: Options): Warning[] {
  const ports = plan.listeners.map(({ port, targetPort }) => `${port} for ${targetPort}`);
  const chosen =
    mode.because === null
      ? []
      : [
          warn(
            "service_mode_chosen",
            `${because[mode.because]}; the bouncer's ports are ${ports.join(", ")}`,
          ),
        ];
  const portless = plan.listeners.length === 0 ? [noAppPorts(mode, options)] : [];
  const idle =
    mode.kind === "redirect"
      ? []
      : [
          ...(options.excludedPorts.length > 0 ? [table.excludedPorts] : []),
          ...(options.excludedSources.length > 0 ? [table.excludedSources] : []),
        ].map(({ name }) => warn("exclusion_without_effect", name));
  return [...chosen, ...portless, ...idle];
}

function noAppPorts({ kind }: Mode, { unlistedPorts }: Options): Warning {
  return {
    code: "no_app_ports",
    message:
      kind === "redirect" && unlistedPorts === "deny"
        ? reasons.no_app_ports.sentence
        : "No container declares a TCP port, so nothing is decided: all inbound TCP is let through.",
  };
}

function warnAboutOptions(
  options: Options,
  facts: Facts,
  { cluster }: InjectionContext,
): Warning[] {
  const tooOld = facts.sidecar === "native" ? findTooOld(cluster) : null;
  return [
    ...(tooOld === null ? [] : [warn("native_sidecar_unsupported", tooOld)]),
    ...(options.shadow ? [warn("shadow_mode", table.shadow.name)] : []),
  ];
}

function findConflicts(spec: PodSpec): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return [
    ...findNames(containers, Object.values(containerName), "container"),
    ...findNames(spec.volumes ?? [], Object.values(volumeName), "volume"),
    ...containers.flatMap(findMounts),
  ];
}

/** Without the volume, the mount is not valid until we add ours: the policy could be written to. */
function findMounts({ name, volumeMounts }: Container): string[] {
  return (volumeMounts ?? [])
    .filter((mount) => Object.values<string>(volumeName).includes(mount.name ?? ""))
    .map((mount) => `container "${name}" mounts "${mount.name}", a volume of the injector`);
}

function findNames(
  items: readonly { readonly name: string }[],
  ours: readonly string[],
  what: string,
): string[] {
  return items
    .filter(({ name }) => ours.includes(name))
    .map(({ name }) => `the name of ${what} "${name}" is needed by the injector`);
}
