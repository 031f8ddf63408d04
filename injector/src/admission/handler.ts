/**
 * One admission from beginning to end: the judgement, the patch, one log line and the Events.
 * Whatever goes wrong inside is an answer that refuses the pod: never a pod that starts without a
 * bouncer by mistake, never a crash.
 */
import type { Operation } from "fast-json-patch";
import { InjectorError, errorTable, toInjectorError } from "../errors.ts";
import { describeAdmission, subjectOf } from "../events/event.ts";
import type { EventDraft } from "../events/event.ts";
import type { Injection } from "../inject/injection.ts";
import type { Pod } from "../inject/kubernetes.ts";
import type { Timer } from "../loop.ts";
import type { Log } from "../telemetry/log.ts";
import type { AdmissionResult } from "../telemetry/metrics.ts";
import { withDeadline } from "./deadline.ts";
import type { Judge } from "./judge.ts";
import type { AdmissionRequest, Answer, AuditedAnswer } from "./review.ts";
import { nameOf } from "./workload.ts";

export interface AdmissionDeps {
  readonly judge: Pick<Judge, "ask">;
  readonly buildPatch: (original: Pod, wanted: Pod) => readonly Operation[];
  readonly observe: (result: AdmissionResult, reason: string, seconds: number) => void;
  /** Returns at once, and never throws. */
  readonly record: (event: EventDraft) => void;
  /** Of this installation, for the API server's audit log. */
  readonly revision: () => string;
  /** Milliseconds of a clock that only goes forward, for durations. */
  readonly monotonic: () => number;
  readonly timer: Timer;
  readonly log: Log;
}

export type Admit = (request: AdmissionRequest, budgetMs: number) => Promise<AuditedAnswer>;

interface Outcome {
  readonly result: AdmissionResult;
  readonly answer: Answer;
  /** How requests get to the bouncer; empty without one. */
  readonly mode: string;
  readonly events: readonly EventDraft[];
}

const message = {
  injected: "pod injected",
  skipped: "pod skipped",
  denied: "pod denied",
  failed: "admission failed",
} as const satisfies Record<AdmissionResult, string>;

/** What the pod's author can correct; the same status as for a field the API server refuses. */
const deniedStatus = 422;

export function createAdmit(deps: AdmissionDeps): Admit {
  return async (request, budgetMs) => {
    const started = deps.monotonic();
    const { result, answer, mode, events } = await withDeadline(
      decide(request, deps),
      budgetMs,
      deps.timer,
    ).catch((error: unknown) => failed(error, request, deps.log));
    const seconds = (deps.monotonic() - started) / 1000;
    deps.observe(result, answer.reason, seconds);
    // What is told is what was answered: a judgement that came too late is not. And a dry run
    // leaves no trace (`sideEffects: NoneOnDryRun`).
    if (!request.dryRun) for (const event of events) deps.record(event);
    const level = result === "denied" || result === "failed" ? "warn" : "info";
    deps.log[level](
      {
        uid: request.uid,
        namespace: request.namespace,
        pod: nameOf(request.object),
        result,
        reason: answer.reason,
        dryRun: request.dryRun,
        seconds,
        ...(answer.allowed ? {} : { detail: answer.message }),
      },
      message[result],
    );
    return { ...answer, audit: { result, revision: deps.revision(), mode } };
  };
}

async function decide(request: AdmissionRequest, deps: AdmissionDeps): Promise<Outcome> {
  const pod = podOf(request);
  const { injection, namespace } = await deps.judge.ask(pod, request.namespace);
  const about = subjectOf(pod.metadata, request.namespace);
  const events = describeAdmission(about, namespace, injection);
  return { ...toOutcome(pod, injection, deps), events };
}

function podOf(request: AdmissionRequest): Pod {
  const { operation, kind, subResource, object } = request;
  if (operation !== "CREATE" || kind.group !== "" || kind.kind !== "Pod" || subResource !== "") {
    const what = [kind.kind, subResource].filter((part) => part !== "").join("/");
    throw new InjectorError(
      "request_unexpected",
      `Cannot review ${operation} of ${what}: accepted is CREATE of Pod`,
    );
  }
  if (!isPod(object)) {
    throw new InjectorError("request_unexpected", "Cannot review the pod: it has no spec");
  }
  return object;
}

/** The core checks what it reads; here only that there is something to read. */
function isPod(object: unknown): object is Pod {
  return (
    typeof object === "object" &&
    object !== null &&
    "spec" in object &&
    typeof object.spec === "object" &&
    object.spec !== null
  );
}

function toOutcome(pod: Pod, injection: Injection, deps: AdmissionDeps): Omit<Outcome, "events"> {
  const { kind, reason } = injection;
  if (kind === "inject") {
    const patch = deps.buildPatch(pod, injection.pod);
    const warnings = injection.warnings.map((warning) => warning.message);
    return {
      result: "injected",
      answer: { allowed: true, patch, warnings, reason },
      mode: injection.mode,
    };
  }
  if (kind === "skip") {
    // Who opted out knows; anybody else in a labelled namespace should.
    const warnings = reason === "opted_out" ? [] : [injection.message];
    return { result: "skipped", answer: { allowed: true, patch: [], warnings, reason }, mode: "" };
  }
  const text = injection.problems.join("; ");
  const answer = {
    allowed: false,
    code: deniedStatus,
    message: text,
    warnings: [],
    reason,
  } as const;
  return { result: "denied", answer, mode: "" };
}

function failed(error: unknown, request: AdmissionRequest, log: Log): Outcome {
  const failure = toInjectorError(error);
  if (failure.code === "internal") log.error({ uid: request.uid, error }, "bug in admission");
  return {
    result: "failed",
    answer: {
      allowed: false,
      code: errorTable[failure.code].status,
      message: `${failure.message} (${failure.code})`,
      warnings: [],
      reason: failure.code,
    },
    mode: "",
    events: [],
  };
}
