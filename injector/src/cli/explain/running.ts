/** What a pod that exists carries, beside what it would be given if it were created now. Pure. */
import type { V1MutatingWebhookConfiguration } from "@kubernetes/client-node";
import { containerName } from "bouncer/contract";
import type { Injection } from "../../inject/injection.ts";
import { checkPod } from "../../inject/kubernetes.ts";
import { readStatus, type Status } from "../../inject/status.ts";
import type { CauseCode } from "./findings.ts";
import type { Matched } from "./matching.ts";

export interface Running {
  /** Anything of ours: a container called bouncer-sidecar, in either list. */
  readonly hasBouncer: boolean;
  /** Of the injector that injected it; null when it was not, or says nothing that can be read. */
  readonly version: string | null;
  /** In words, each way in which it is not what would be created now. */
  readonly differences: readonly string[];
}

/** `now` is what would be decided, and `matched` whether the injector would be asked at all. */
export function describeRunning(pod: unknown, now: Injection | null, matched: Matched): Running {
  const status = statusOf(pod);
  const hasBouncer = containersOf(pod).includes(containerName.sidecar);
  return {
    hasBouncer,
    version: status?.version ?? null,
    differences: hasBouncer && now !== null ? compare(status, now, matched) : [],
  };
}

function compare(running: Status | null, now: Injection, matched: Matched): string[] {
  if (running === null) return ["its annotation bouncer.dev/status cannot be read"];
  if (now.kind === "skip") return [`created now, it would have no bouncer (${now.reason})`];
  if (matched === "no") return ["created now, it would not be sent to the injector (not_sent)"];
  if (now.kind === "deny") return [`created now, it would be refused (${now.reason})`];
  const wanted = statusOf(now.pod);
  if (wanted === null) return [];
  return [
    ...(running.version === wanted.version
      ? []
      : [`it was injected by version ${running.version}, the injector is ${wanted.version}`]),
    ...(running.config === wanted.config
      ? []
      : ["settings of the injector, or annotations, have changed since it was created"]),
    ...(running.chosen.mode === wanted.chosen.mode
      ? []
      : [`created now, its mode would be ${wanted.chosen.mode}, it is ${running.chosen.mode}`]),
  ];
}

function statusOf(pod: unknown): Status | null {
  const checked = checkPod(pod);
  const read = checked.ok ? readStatus(checked.pod) : null;
  return read?.kind === "status" ? read.status : null;
}

function containersOf(pod: unknown): string[] {
  const checked = checkPod(pod);
  if (!checked.ok) return [];
  const { containers, initContainers } = checked.pod.spec;
  return [...(initContainers ?? []), ...containers].map(({ name }) => name);
}

export interface History {
  readonly createdAt: number | null;
  readonly configuration: V1MutatingWebhookConfiguration;
  readonly failurePolicy: string | undefined;
  /** When a label of the namespace that the selectors look at was last written; null: not known. */
  readonly labelledAt: number | null;
}

/** Why a pod has no bouncer that would get one now. */
export function findCause(history: History): CauseCode {
  const { createdAt: created, labelledAt } = history;
  const installed = timeOf(history.configuration.metadata?.creationTimestamp);
  if (created !== null && installed !== null && created < installed) {
    return "created_before_installation";
  }
  if (created !== null && labelledAt !== null && created < labelledAt) {
    return "created_before_label";
  }
  return history.failurePolicy === "Ignore" ? "webhook_may_have_been_down" : "created_otherwise";
}

/** The client has dates, a manifest has text. */
export function timeOf(value: unknown): number | null {
  const time = value instanceof Date ? value.getTime() : Date.parse(String(value));
  return Number.isNaN(time) ? null : time;
}
