/** The webhook's metrics, in a registry of their own. Names and labels are API. */
import { Counter, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { EventResult } from "../events/recorder.ts";
import type { EvictionResult } from "../reconcile/reconciler.ts";
import { registerGauges } from "./gauges.ts";
import type { MetricsSources } from "./gauges.ts";

export type AdmissionResult = "injected" | "skipped" | "denied" | "failed";

/** `silent`: there was nothing to tell; `unchanged`: an update that leaves the pods alone. */
export type WorkloadResult = "warned" | "silent" | "unchanged" | "failed";

export interface Metrics {
  /** `reason` is a code of admission/reasons.ts or errors.ts: both are closed lists. */
  admission(result: AdmissionResult, reason: string, seconds: number): void;
  /** `reason` as of admissions, or `unchanged`. */
  workload(result: WorkloadResult, reason: string): void;
  /** A request that is no admission: the code is one of errors.ts. */
  refused(code: string): void;
  event(result: EventResult): void;
  eviction(result: EvictionResult): void;
  reconcileFailed(): void;
  readonly contentType: string;
  render(): Promise<string>;
}

/** Up to the API server's usual patience, in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const admissions = new Counter({
    name: "bouncer_injector_admissions_total",
    help: "Admission requests answered, by result and reason code",
    labelNames: ["result", "reason"] as const,
    registers,
  });
  const duration = new Histogram({
    name: "bouncer_injector_admission_duration_seconds",
    help: "Time from a complete request to its answer",
    labelNames: ["result"] as const,
    buckets,
    registers,
  });
  const workloads = new Counter({
    name: "bouncer_injector_workload_reviews_total",
    help: "Workloads looked at to warn about their pods, by result and reason code",
    labelNames: ["result", "reason"] as const,
    registers,
  });
  const refused = new Counter({
    name: "bouncer_injector_requests_refused_total",
    help: "Requests that were no admission request, by error code",
    labelNames: ["code"] as const,
    registers,
  });
  const events = new Counter({
    name: "bouncer_injector_events_total",
    help: "Events, by what became of them",
    labelNames: ["result"] as const,
    registers,
  });
  const evictions = new Counter({
    name: "bouncer_injector_evictions_total",
    help: "Evictions of unprotected pods that were asked for, by result",
    labelNames: ["result"] as const,
    registers,
  });
  const reconcileFailures = new Counter({
    name: "bouncer_injector_reconcile_failures_total",
    help: "Counts of unprotected pods that could not be completed",
    registers,
  });
  registerGauges(registers, sources);
  return {
    admission: (result, reason, seconds) => {
      admissions.inc({ result, reason });
      duration.observe({ result }, seconds);
    },
    workload: (result, reason) => workloads.inc({ result, reason }),
    refused: (code) => refused.inc({ code }),
    event: (result) => events.inc({ result }),
    eviction: (result) => evictions.inc({ result }),
    reconcileFailed: () => reconcileFailures.inc(),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}
