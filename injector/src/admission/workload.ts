/**
 * What will happen to the pods of a workload, told to whoever creates or changes it: people write
 * Deployments, and hardly ever see the answers to their pods. Pure.
 */
import * as v from "valibot";
import { isEqual } from "../inject/equal.ts";
import type { Injection } from "../inject/injection.ts";
import { reasons } from "./reasons.ts";
import type { ReasonCode } from "./reasons.ts";
import type { AdmissionRequest } from "./review.ts";

/** By `group/kind`: where the template of the pods is. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  "apps/Deployment": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
};
const operations = ["CREATE", "UPDATE"];

export type ReadWorkload =
  | {
      readonly kind: "workload";
      /** `Deployment "web"`. */
      readonly title: string;
      readonly template: unknown;
      /** False: an update of something else, such as the number of replicas. */
      readonly isChanged: boolean;
    }
  | { readonly kind: "unexpected"; readonly message: string };

export function readWorkload(request: AdmissionRequest): ReadWorkload {
  const { operation, kind, subResource, object, oldObject } = request;
  const path = subResource === "" ? templatePaths[`${kind.group}/${kind.kind}`] : undefined;
  if (path === undefined || !operations.includes(operation)) {
    const what = `${joined(kind.group, kind.version)} ${joined(kind.kind, subResource)}`;
    const accepted = Object.keys(templatePaths).map((name) => name.slice(name.indexOf("/") + 1));
    return {
      kind: "unexpected",
      message: `Cannot review ${operation} of ${what}: accepted is ${operations.join(" and ")} of ${accepted.join(", ")}`,
    };
  }
  const template = at(object, path);
  return {
    kind: "workload",
    title: `${kind.kind} "${nameOf(object)}"`,
    template,
    isChanged: operation === "CREATE" || !isEqual(template, at(oldObject, path)),
  };
}

export interface Outlook {
  readonly reason: ReasonCode;
  /** Empty: the pods are injected, and nothing is to be said about that. */
  readonly warnings: readonly string[];
}

export function describeOutlook(title: string, injection: Injection): Outlook {
  const { kind, reason } = injection;
  if (kind === "inject") {
    const warnings = injection.warnings.map(({ message }) => `pods of ${title}: ${message}`);
    return { reason, warnings };
  }
  if (kind === "deny") {
    const warnings = injection.problems.map(
      (problem) => `pods of ${title} will be refused: ${problem}`,
    );
    return { reason, warnings };
  }
  // Who opted out knows.
  if (reason === "opted_out") return { reason, warnings: [] };
  const { fix } = reasons[reason];
  const advice = fix === "-" ? "" : ` ${fix}`;
  return { reason, warnings: [`pods of ${title} get no bouncer: ${injection.message}${advice}`] };
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => (isObject(part) ? part[key] : undefined), value);
}

const namedSchema = v.object({
  metadata: v.object({ name: v.nullish(v.string()), generateName: v.nullish(v.string()) }),
});

/** Of an object that may have only the start of a name yet. */
export function nameOf(object: unknown): string {
  const named = v.safeParse(namedSchema, object);
  if (!named.success) return "";
  const { name, generateName } = named.output.metadata;
  return [name, generateName].find((text) => typeof text === "string" && text !== "") ?? "";
}
