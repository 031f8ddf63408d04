/**
 * Whether a pod carries what it would be given if it were created now: it is rendered again by the
 * injector's own function, and the two are compared. Pure.
 */
import { containerName } from "bouncer/contract";
import * as v from "valibot";
import type { InjectionContext } from "../../inject/injection.ts";
import { checkPod, type Pod } from "../../inject/kubernetes.ts";
import { inject } from "../../inject/pod.ts";
import { readStatus } from "../../inject/status.ts";

/** Why a pod is outdated: a closed table; the codes are in JSON and YAML answers. */
export const reasons = {
  missing: "It has no bouncer, and would have one.",
  version: "It was injected by another version than the one that is installed.",
  config: "Settings, annotations or the mode would be others.",
  image: "The bouncer's image would be another one.",
  refused: "It would be refused, so restarting its workload would end it.",
} as const;
export type ReasonCode = keyof typeof reasons;

export interface Reason {
  readonly code: ReasonCode;
  /** For people, complete without the code. */
  readonly detail: string;
}

export interface Judging {
  /** Of the installation that serves the namespace. */
  readonly context: InjectionContext;
  /**
   * The installation is of this program's version. If not, the two may render differently, and
   * only versions and images are compared.
   */
  readonly isSameVersion: boolean;
}

/** Empty: up to date, or none of ours. */
export function judgePod(pod: unknown, { context, isSameVersion }: Judging): readonly Reason[] {
  const injection = inject(pod, context);
  if (injection.kind === "skip") return [];
  if (injection.kind === "deny") {
    const why = injection.problems.join("; ");
    const detail = `created now, it would be refused: ${why} (${injection.reason})`;
    return [{ code: "refused", detail }];
  }
  const checked = checkPod(pod);
  if (!checked.ok) return [];
  const found = readStatus(checked.pod);
  if (found.kind !== "status" || !hasSidecar(checked.pod)) {
    return [{ code: "missing", detail: "no bouncer" }];
  }
  const wanted = readStatus(injection.pod);
  if (wanted.kind !== "status") return [];
  return [
    ...compareVersions(found.status.version, wanted.status.version),
    ...(isSameVersion ? compareConfig(found.status, wanted.status) : []),
    ...compareImages(imagesOf(pod), imagesOf(injection.pod)),
  ];
}

const hasSidecar = ({ spec }: Pod): boolean =>
  [...(spec.initContainers ?? []), ...spec.containers].some(
    ({ name }) => name === containerName.sidecar,
  );

function compareVersions(found: string, wanted: string): Reason[] {
  if (found === wanted) return [];
  return [{ code: "version", detail: `version ${found}, installed is ${wanted}` }];
}

interface Rendered {
  readonly config: string;
  readonly chosen: { readonly mode: string };
}

/** The mode may change without the settings: by the Pod Security level of the namespace. */
function compareConfig(found: Rendered, wanted: Rendered): Reason[] {
  if (found.config !== wanted.config) {
    return [{ code: "config", detail: "settings or annotations have changed" }];
  }
  const [before, after] = [found.chosen.mode, wanted.chosen.mode];
  return before === after ? [] : [{ code: "config", detail: `mode ${before}, now ${after}` }];
}

const imagesSchema = v.object({
  spec: v.object({
    initContainers: v.nullish(
      v.array(v.object({ name: v.string(), image: v.nullish(v.string()) })),
    ),
    containers: v.array(v.object({ name: v.string(), image: v.nullish(v.string()) })),
  }),
});

const ours: ReadonlySet<string> = new Set(Object.values(containerName));

function imagesOf(pod: unknown): ReadonlyMap<string, string> {
  const parsed = v.safeParse(imagesSchema, pod);
  if (!parsed.success) return new Map();
  const { initContainers, containers } = parsed.output.spec;
  const named = [...(initContainers ?? []), ...containers].filter(({ name }) => ours.has(name));
  return new Map(named.map(({ name, image }) => [name, image ?? ""]));
}

/** All three have the same image, so one difference says it. */
function compareImages(
  found: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): Reason[] {
  for (const [name, image] of wanted) {
    const current = found.get(name);
    if (current !== undefined && current !== image) {
      return [{ code: "image", detail: `image ${current}, now ${image}` }];
    }
  }
  return [];
}
