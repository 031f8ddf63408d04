/** The webhook's metrics, in a registry of their own. Names and labels are API. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { CertificatesStatus } from "../tls/certificates.ts";

export type AdmissionResult = "injected" | "skipped" | "denied" | "failed";

/** What is read at each scrape. */
export interface MetricsSources {
  readonly certificates: () => CertificatesStatus;
  readonly settingsValid: () => boolean;
}

export interface Metrics {
  /** `reason` is a code of admission/reasons.ts or errors.ts: both are closed lists. */
  admission(result: AdmissionResult, reason: string, seconds: number): void;
  /** A request that is no admission: the code is one of errors.ts. */
  refused(code: string): void;
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
  const refused = new Counter({
    name: "bouncer_injector_requests_refused_total",
    help: "Requests that were no admission request, by error code",
    labelNames: ["code"] as const,
    registers,
  });
  registerGauges(registers, sources);
  return {
    admission: (result, reason, seconds) => {
      admissions.inc({ result, reason });
      duration.observe({ result }, seconds);
    },
    refused: (code) => refused.inc({ code }),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

function registerGauges(registers: Registry[], sources: MetricsSources): void {
  const expiry = new Gauge({
    name: "bouncer_injector_certificate_expiry_timestamp_seconds",
    help: "When a certificate expires, as a Unix time",
    labelNames: ["certificate"] as const,
    registers,
    collect: () => {
      const { serving, signer, bridge } = sources.certificates();
      for (const [certificate, value] of Object.entries({ serving, authority: signer, bridge })) {
        if (value !== null) expiry.set({ certificate }, value.notAfter / 1000);
      }
    },
  });
  registerFlag(registers, {
    name: "bouncer_injector_ca_bundle_in_sync",
    help: "1 when the MutatingWebhookConfiguration has this authority, else 0",
    read: () => sources.certificates().caBundleInSync,
  });
  registerFlag(registers, {
    name: "bouncer_injector_settings_valid",
    help: "1 when the settings file is in force, 0 when it was refused and the last good one is",
    read: () => sources.settingsValid(),
  });
}

function registerFlag(
  registers: Registry[],
  flag: { readonly name: string; readonly help: string; readonly read: () => boolean },
): void {
  const { name, help, read } = flag;
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers,
    collect: () => gauge.set(read() ? 1 : 0),
  });
}
