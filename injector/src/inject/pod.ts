/**
 * The injector's one function: what becomes of a pod. The webhook, the command line and the tests
 * all call it. Pure: what it is not told in the context, it does not know.
 */
import { containerName, volumeName } from "bouncer/contract";
import { decide } from "../admission/decide.ts";
import { gatherFacts } from "../admission/facts.ts";
import { type DenyCode, reasons } from "../admission/reasons.ts";
import { type Options, parseAnnotations } from "../annotations/parse.ts";
import { table } from "../annotations/table.ts";
import type { Injection, InjectionContext, Warning } from "./injection.ts";
import { checkPod, type Pod, type PodSpec } from "./kubernetes.ts";
import { maxAppPorts, type PlannedPorts, planPorts } from "./ports.ts";
import { renderPod } from "./render.ts";
import { readStatus } from "./status.ts";
import { findAdminToken, strip } from "./uninject.ts";

export function inject(value: unknown, context: InjectionContext): Injection {
  const checked = checkPod(value);
  if (!checked.ok) return deny("invalid_pod", checked.problems);
  const { pod } = checked;
  const { settings } = context;

  const admission = decide(gatherFacts(pod, context), settings);
  if (admission.kind === "skip") {
    const { reason } = admission;
    return { kind: "skip", reason, message: reasons[reason].sentence };
  }
  if (admission.kind === "deny") {
    return deny(admission.reason, [reasons[admission.reason].sentence]);
  }

  const sources = {
    namespace: context.namespace.annotations,
    pod: pod.metadata?.annotations ?? {},
  };
  const annotations = parseAnnotations(sources, settings);
  if (annotations.problems.length > 0) return deny("invalid_annotation", annotations.problems);

  const given = [...admission.warnings, ...annotations.warnings];
  return injectWith(pod, annotations.options, context, given);
}

/** The pod is to have a bouncer, and how is chosen. */
function injectWith(
  pod: Pod,
  options: Options,
  context: InjectionContext,
  given: readonly Warning[],
): Injection {
  const read = readStatus(pod);
  if (read.kind === "invalid") return deny("invalid_status", [read.problem]);
  const original = read.kind === "status" ? strip(pod, read.status) : pod;
  const conflicts = findConflicts(original.spec);
  if (conflicts.length > 0) return deny("name_conflict", conflicts);
  const planned = planPorts(original, options.appPorts);
  if (planned.kind !== "planned") return denyPorts(planned);

  const { plan } = planned;
  const adminToken = findAdminToken(pod) ?? context.adminToken;
  const { settings, version } = context;
  const rendered = renderPod(original, { plan, adminToken, options, settings, version });
  const portless = plan.listeners.length === 0 ? [noAppPorts(options)] : [];
  return {
    kind: "inject",
    reason: read.kind === "status" ? "already_injected" : "injected",
    pod: rendered.pod,
    warnings: [...given, ...portless, ...rendered.warnings],
  };
}

function deny(reason: DenyCode, problems: readonly string[]): Injection {
  return { kind: "deny", reason, problems };
}

function denyPorts(planned: Exclude<PlannedPorts, { kind: "planned" }>): Injection {
  const { name } = table.appPorts;
  if (planned.kind === "too_many") {
    return deny("too_many_ports", [
      `the pod has ${planned.count} app ports, the bouncer listens for ${maxAppPorts} at most`,
    ]);
  }
  const problems = planned.names.map(
    (port) => `annotation ${name}: "${port}" is not the name of a TCP port of a container`,
  );
  return deny("invalid_annotation", problems);
}

function noAppPorts({ unlistedPorts }: Options): Warning {
  return {
    code: "no_app_ports",
    message:
      unlistedPorts === "deny"
        ? reasons.no_app_ports.sentence
        : "No container declares a TCP port, so nothing is decided: all inbound TCP is let through.",
  };
}

function findConflicts(spec: PodSpec): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return [
    ...findNames(containers, Object.values(containerName), "container"),
    ...findNames(spec.volumes ?? [], Object.values(volumeName), "volume"),
  ];
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
