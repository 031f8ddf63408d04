/**
 * One admission from beginning to end: facts about the namespace, the pure core, the patch, and one
 * log line. Whatever goes wrong inside is an answer that refuses the pod: never a pod that starts
 * without a bouncer by mistake, never a crash.
 */
import type { Operation } from "fast-json-patch";
import * as v from "valibot";
import { InjectorError, errorTable, toInjectorError } from "../errors.ts";
import type { Injection, InjectionContext } from "../inject/injection.ts";
import type { Pod } from "../inject/kubernetes.ts";
import type { Namespace, Namespaces } from "../kube/namespaces.ts";
import type { Timer } from "../loop.ts";
import type { Settings } from "../settings.ts";
import type { Log } from "../telemetry/log.ts";
import type { AdmissionResult } from "../telemetry/metrics.ts";
import type { AdmissionRequest, Answer } from "./review.ts";

export interface AdmissionDeps {
  readonly inject: (pod: unknown, context: InjectionContext) => Injection;
  readonly buildPatch: (original: Pod, wanted: Pod) => readonly Operation[];
  readonly namespaces: Pick<Namespaces, "cached" | "read">;
  /** The settings in force, with the authority filled in. */
  readonly settings: () => Settings;
  readonly injectorNamespace: string;
  readonly version: string;
  readonly createAdminToken: () => string;
  readonly observe: (result: AdmissionResult, reason: string, seconds: number) => void;
  /** Milliseconds of a clock that only goes forward, for durations. */
  readonly monotonic: () => number;
  readonly timer: Timer;
  readonly log: Log;
}

export type Admit = (request: AdmissionRequest, budgetMs: number) => Promise<Answer>;

interface Outcome {
  readonly result: AdmissionResult;
  readonly answer: Answer;
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
    const { result, answer } = await withDeadline(
      decide(request, deps),
      budgetMs,
      deps.timer,
    ).catch((error: unknown) => failed(error, request, deps.log));
    const seconds = (deps.monotonic() - started) / 1000;
    deps.observe(result, answer.reason, seconds);
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
    return answer;
  };
}

async function decide(request: AdmissionRequest, deps: AdmissionDeps): Promise<Outcome> {
  const pod = podOf(request);
  const cached = deps.namespaces.cached(request.namespace);
  if (cached !== undefined) {
    const injection = deps.inject(pod, contextOf(cached, deps));
    // The API server sends only what its selectors match, and its view may be newer than the
    // cache: nobody is left without a bouncer because of a label that has not arrived here yet.
    if (injection.kind !== "skip") return toOutcome(pod, injection, deps);
  }
  const namespace = await deps.namespaces.read(request.namespace);
  if (namespace === null) {
    throw new InjectorError(
      "namespace_unknown",
      `Cannot inject into namespace "${request.namespace}": there is no such namespace`,
    );
  }
  return toOutcome(pod, deps.inject(pod, contextOf(namespace, deps)), deps);
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

function contextOf(namespace: Namespace, deps: AdmissionDeps): InjectionContext {
  const { injectorNamespace, version } = deps;
  const settings = deps.settings();
  return { settings, namespace, injectorNamespace, version, adminToken: deps.createAdminToken() };
}

function toOutcome(pod: Pod, injection: Injection, deps: AdmissionDeps): Outcome {
  const { kind, reason } = injection;
  if (kind === "inject") {
    const patch = deps.buildPatch(pod, injection.pod);
    const warnings = injection.warnings.map((warning) => warning.message);
    return { result: "injected", answer: { allowed: true, patch, warnings, reason } };
  }
  if (kind === "skip") {
    // Who opted out knows; anybody else in a labelled namespace should.
    const warnings = reason === "opted_out" ? [] : [injection.message];
    return { result: "skipped", answer: { allowed: true, patch: [], warnings, reason } };
  }
  const text = injection.problems.join("; ");
  const answer = {
    allowed: false,
    code: deniedStatus,
    message: text,
    warnings: [],
    reason,
  } as const;
  return { result: "denied", answer };
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
  };
}

function withDeadline<T>(work: Promise<T>, ms: number, timer: Timer): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = timer.after(ms, () =>
    reject(new InjectorError("deadline_exceeded", `Cannot answer within ${ms} ms`)),
  );
  return Promise.race([work, promise]).finally(cancel);
}

const namedSchema = v.object({
  metadata: v.object({ name: v.nullish(v.string()), generateName: v.nullish(v.string()) }),
});

/** For the log; a pod of a controller has only the start of a name yet. */
function nameOf(object: unknown): string {
  const named = v.safeParse(namedSchema, object);
  if (!named.success) return "";
  const { name, generateName } = named.output.metadata;
  return [name, generateName].find((text) => typeof text === "string" && text !== "") ?? "";
}
