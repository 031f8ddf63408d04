/**
 * The annotation `bouncer.dev/status`: what the injector did to a pod, as JSON, so that the pod can
 * be rendered again and `uninject` can take back exactly that. Pods outlive upgrades: fields are
 * added, never renamed, and what older injectors did not write is optional. Pure.
 */
import { probeFields } from "bouncer/contract";
import * as v from "valibot";
import { statusKey } from "../annotations/table.ts";
import type { Pod } from "./kubernetes.ts";

/** How a map or list was before the injector put something into it, when it was not one. */
const before = v.picklist(["absent", "null"]);
export type Before = v.InferOutput<typeof before>;

const names = v.array(v.string());

const statusSchema = v.object({
  /** Of the injector. */
  version: v.string(),
  /** Hash of the settings and annotations that it was rendered from. */
  config: v.string(),
  /** Choices, for people. */
  chosen: v.object({
    preset: v.string(),
    mode: v.optional(v.picklist(["redirect", "service"]), "redirect"),
    nativeSidecar: v.boolean(),
    revision: v.optional(v.string(), ""),
    listeners: v.string(),
    adminPort: v.number(),
    unlistedPorts: v.string(),
    /** What Services said about app ports: `9000:h2c`; kept while they cannot be asked. */
    serviceProtocols: v.optional(v.string()),
  }),
  added: v.object({
    initContainers: names,
    containers: names,
    volumes: names,
    imagePullSecrets: names,
    annotations: v.record(v.string(), v.string()),
  }),
  /** Annotations of the user that were extended, with what they were and are. */
  extended: v.optional(v.record(v.string(), v.object({ from: v.string(), to: v.string() })), {}),
  /** By path: `spec.volumes`. */
  created: v.record(v.string(), before),
  replaced: v.array(
    v.object({
      container: v.string(),
      field: v.picklist(probeFields),
      handler: v.record(v.string(), v.unknown()),
    }),
  ),
});

export type Status = v.InferOutput<typeof statusSchema>;

export type ReadStatus =
  | { readonly kind: "none" }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "invalid"; readonly problem: string };

export function readStatus(pod: Pod): ReadStatus {
  const text = pod.metadata?.annotations?.[statusKey];
  if (text === undefined) return { kind: "none" };
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), statusSchema), text);
  if (parsed.success) return { kind: "status", status: parsed.output };
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  const problem = `${path === null ? "" : `${path}: `}${issue.message}`;
  return {
    kind: "invalid",
    problem: `annotation ${statusKey} is not what was written: ${problem}`,
  };
}

export function formatStatus(status: Status): string {
  return JSON.stringify(status);
}
