/** What an Event says, and on which object: made from decisions and from the pod's metadata. Pure. */
import * as v from "valibot";
import { namespaceLabel } from "../admission/facts.ts";
import { reasons } from "../admission/reasons.ts";
import type { ReasonCode } from "../admission/reasons.ts";
import type { Injection } from "../inject/injection.ts";
import type { Namespace } from "../kube/namespaces.ts";

/** An object that Events are about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Null: not known; a pod has none yet while it is admitted. */
  readonly uid: string | null;
}

export interface EventDraft {
  readonly about: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** `BouncerInjected`: what people filter by. */
  readonly reason: string;
  /** Of admission/reasons.ts. */
  readonly code: ReasonCode;
  readonly message: string;
}

const metadataSchema = v.object({
  name: v.nullish(v.string()),
  ownerReferences: v.nullish(
    v.array(
      v.object({
        apiVersion: v.string(),
        kind: v.string(),
        name: v.string(),
        uid: v.string(),
        controller: v.nullish(v.boolean()),
      }),
    ),
  ),
});

/** The controller of an object; null when it has none, or its metadata cannot be read. */
export function controllerOf(metadata: unknown, namespace: string): ObjectReference | null {
  const parsed = v.safeParse(metadataSchema, metadata);
  const owners = parsed.success ? (parsed.output.ownerReferences ?? []) : [];
  const owner = owners.find(({ controller }) => controller === true);
  if (owner === undefined) return null;
  const { apiVersion, kind, name, uid } = owner;
  return { apiVersion, kind, namespace, name, uid };
}

/**
 * What the Events of a pod are about. Its controller, since pods come and go, and one that is
 * denied never comes. Without a controller: the pod, by its name alone, as it has no uid before it
 * is stored; `kubectl get events` and `kubectl events --for` find it. Without a name either, which
 * is generated after admission: the namespace.
 */
export function subjectOf(metadata: unknown, namespace: string): ObjectReference {
  const controller = controllerOf(metadata, namespace);
  if (controller !== null) return controller;
  const parsed = v.safeParse(metadataSchema, metadata);
  const name = parsed.success ? (parsed.output.name ?? "") : "";
  return name === ""
    ? { apiVersion: "v1", kind: "Namespace", namespace, name: namespace, uid: null }
    : { apiVersion: "v1", kind: "Pod", namespace, name, uid: null };
}

/** The Events of one admission; none for who opted out, and none where nobody asked for bouncers. */
export function describeAdmission(
  about: ObjectReference,
  namespace: Pick<Namespace, "labels">,
  injection: Injection,
): EventDraft[] {
  const { reason: code } = injection;
  if (injection.kind === "skip") {
    const isLabelled = namespace.labels[namespaceLabel.name] === namespaceLabel.value;
    if (code === "opted_out" || !isLabelled) return [];
    return [buildDraft(about, "BouncerSkipped", code, injection.message)];
  }
  if (injection.kind === "deny") {
    return [buildDraft(about, "BouncerDenied", code, injection.problems.join("; "))];
  }
  const warnings = injection.warnings.map((warning) =>
    buildDraft(about, `Bouncer${toCamelCase(warning.code)}`, warning.code, warning.message),
  );
  // The API server may ask about the same pod again, after other webhooks.
  if (code !== "injected") return warnings;
  const message = reasons.injected.sentence;
  return [{ about, type: "Normal", reason: "BouncerInjected", code, message }, ...warnings];
}

/** What is told of a pod that runs without a bouncer; `injection`: what it would get now. */
export function describeUnprotected(
  about: ObjectReference,
  pod: string,
  injection: Extract<Injection, { kind: "inject" | "deny" }>,
): EventDraft {
  const happened = `Pod ${pod} runs without a bouncer, so nothing decides about its requests`;
  const message =
    injection.kind === "inject"
      ? `${happened}. It gets one when it is created again${about.kind === "Pod" ? "" : ": kubectl rollout restart"}`
      : `${happened}. Created again, it would be denied: ${injection.problems.join("; ")}`;
  const code = injection.reason;
  const fix = injection.kind === "deny" ? fixOf(code) : "";
  return {
    about,
    type: "Warning",
    reason: "BouncerUnprotected",
    code,
    message: shorten(message + fix),
  };
}

function buildDraft(
  about: ObjectReference,
  reason: string,
  code: ReasonCode,
  text: string,
): EventDraft {
  return { about, type: "Warning", reason, code, message: shorten(text + fixOf(code)) };
}

function fixOf(code: ReasonCode): string {
  const { fix } = reasons[code];
  return fix === "-" ? "" : ` ${fix}`;
}

/** The API takes 1024 bytes at most. */
const messageBytes = 1024;

function shorten(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= messageBytes) return text;
  // A character that was cut in two becomes one or more U+FFFD at the end.
  const cut = new TextDecoder().decode(bytes.subarray(0, messageBytes - 3)).replace(/\uFFFD+$/, "");
  return `${cut}…`;
}

function toCamelCase(code: string): string {
  return code
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}
