/**
 * Probes and hooks move to the bouncer's admin port, where the bouncer does what they say and
 * answers as the application did: the kubelet's own connections would be decided by the policy.
 * exec and sleep stay. What was replaced is kept, so that `uninject` can put it back. Pure.
 */
import { type Probe, type ProbeField, probeFields, probePath } from "bouncer/contract";
import { warn } from "../admission/reasons.ts";
import { actionKeys, getHandler, readHandler, withHandler } from "./handlers.ts";
import type { Warning } from "./injection.ts";
import type { Container, Handler, PodSpec } from "./kubernetes.ts";
import { type IsForeign, isOfAgent } from "./mesh-probes.ts";

/** The kubelet gives hooks no timeout of their own; preStop ends with the grace period. */
const defaultGraceSeconds = 30;
const postStartTimeoutSeconds = 600;

/** What a probe or hook was, by its container and field. */
export interface ReplacedHandler {
  readonly container: string;
  readonly field: ProbeField;
  /** The keys of the original that said what to do, as they were. */
  readonly handler: Readonly<Record<string, unknown>>;
}

export interface RewrittenProbes {
  readonly spec: PodSpec;
  /** For `PROBES`. */
  readonly probes: readonly Probe[];
  readonly replaced: readonly ReplacedHandler[];
  readonly warnings: readonly Warning[];
}

/** `isForeign`: what the kubelet asks a mesh. */
export function rewriteProbes(
  spec: PodSpec,
  adminPort: number,
  adminToken: string,
  isForeign: IsForeign = () => false,
): RewrittenProbes {
  const probes: Probe[] = [];
  const replaced: ReplacedHandler[] = [];
  const warnings: Warning[] = [];

  function rewrite(container: Container, field: ProbeField): Container {
    const handler = getHandler(container, field);
    if (handler === null || isForeign(container, field, handler)) return container;
    const read = readHandler(container, handler);
    if (read.kind === "local") return container;
    const { name } = container;
    if (read.kind === "unreadable") {
      warnings.push(warn("probe_left_as_written", `${field} of container ${name} ${read.why}`));
      return container;
    }
    probes.push({
      container: name,
      field,
      timeoutSeconds: timeoutOf(spec, field, handler),
      action: read.action,
    });
    replaced.push({ container: name, field, handler: pickAction(handler) });
    const httpGet = { path: probePath(adminToken, name, field), port: adminPort };
    return withHandler(container, field, replaceAction(handler, { httpGet }));
  }

  const rewriteAll = (container: Container) => probeFields.reduce(rewrite, container);
  const containers = spec.containers.map(rewriteAll);
  const inits = spec.initContainers?.map(rewriteAll);
  const rewritten = inits === undefined ? {} : { initContainers: inits };
  return { spec: { ...spec, containers, ...rewritten }, probes, replaced, warnings };
}

/**
 * Puts back what `rewriteProbes` replaced, unless somebody has changed the probe since; that Istio
 * pointed it to its agent, which asks the bouncer, does not count.
 */
export function restoreProbes(
  containers: Container[],
  replaced: readonly ReplacedHandler[],
  adminToken: string,
): Container[] {
  return containers.map((container) =>
    replaced
      .filter((original) => original.container === container.name)
      .reduce((restored, { field, handler }) => {
        const current = getHandler(restored, field);
        if (current === null || !leadsToUs(current, container.name, field, adminToken)) {
          return restored;
        }
        return withHandler(restored, field, replaceAction(current, handler));
      }, container),
  );
}

function leadsToUs(
  handler: Handler,
  container: string,
  field: ProbeField,
  adminToken: string,
): boolean {
  const isDirect = handler.httpGet?.path === probePath(adminToken, container, field);
  return isDirect || isOfAgent(container, field, handler);
}

function timeoutOf(spec: PodSpec, field: ProbeField, handler: Handler): number {
  if (field === "postStart") return postStartTimeoutSeconds;
  if (field === "preStop") {
    return Math.max(1, spec.terminationGracePeriodSeconds ?? defaultGraceSeconds);
  }
  const seconds = "timeoutSeconds" in handler ? handler.timeoutSeconds : null;
  return typeof seconds === "number" && seconds > 0 ? seconds : 1;
}

const isActionKey = (key: string) => actionKeys.some((action) => action === key);

function pickAction(handler: Handler): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(handler).filter(([key]) => isActionKey(key)));
}

/** The handler with another action in the place of the first key of its own. */
function replaceAction(handler: Handler, action: Readonly<Record<string, unknown>>): Handler {
  const entries = Object.entries(handler);
  const place = entries.findIndex(([key]) => isActionKey(key));
  return Object.fromEntries([
    ...entries.slice(0, place),
    ...Object.entries(action),
    ...entries.slice(place).filter(([key]) => !isActionKey(key)),
  ]);
}
