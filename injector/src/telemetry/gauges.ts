/** The metrics that are read at each scrape, rather than counted as things happen. */
import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { ReconcilerStatus } from "../reconcile/reconciler.ts";
import type { CertificatesStatus } from "../tls/certificates.ts";

export interface MetricsSources {
  readonly certificates: () => CertificatesStatus;
  readonly settingsValid: () => boolean;
  readonly isLeader: () => boolean;
  readonly reconciler: () => ReconcilerStatus;
  readonly info: () => { readonly version: string; readonly revision: string };
}

export function registerGauges(registers: Registry[], sources: MetricsSources): void {
  const info: Gauge<"version" | "revision"> = new Gauge({
    name: "bouncer_injector_info",
    help: "Always 1: version and revision of the injector",
    labelNames: ["version", "revision"] as const,
    registers,
    collect: () => {
      // The revision may change with the settings.
      info.reset();
      info.set(sources.info(), 1);
    },
  });
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
  registerReconciler(registers, sources);
}

function registerReconciler(registers: Registry[], sources: MetricsSources): void {
  registerFlag(registers, {
    name: "bouncer_injector_leader",
    help: "1 on the replica that counts unprotected pods, else 0",
    read: () => sources.isLeader(),
  });
  const unprotected: Gauge<"namespace"> = new Gauge({
    name: "bouncer_injector_unprotected_pods",
    help: "Pods that run without the bouncer they should have, by namespace; only on the leader",
    labelNames: ["namespace"] as const,
    registers,
    collect: () => {
      // Namespaces that are gone, and all of them with the leadership.
      unprotected.reset();
      for (const [namespace, count] of sources.reconciler().counts ?? []) {
        unprotected.set({ namespace }, count.unprotected);
      }
    },
  });
  const leftOut: Gauge<"namespace" | "reason"> = new Gauge({
    name: "bouncer_injector_left_out_pods",
    help: "Pods of labelled namespaces that are left out and run without a bouncer, by namespace and reason code; only on the leader",
    labelNames: ["namespace", "reason"] as const,
    registers,
    collect: () => {
      leftOut.reset();
      for (const [namespace, count] of sources.reconciler().counts ?? []) {
        for (const [reason, pods] of Object.entries(count.leftOut)) {
          leftOut.set({ namespace, reason }, pods);
        }
      }
    },
  });
  registerOptional(registers, {
    name: "bouncer_injector_reconcile_completed_timestamp_seconds",
    help: "When unprotected pods were last counted in full, as a Unix time; only on the leader",
    read: () => sources.reconciler().completedAt,
  });
  registerOptional(registers, {
    name: "bouncer_injector_reconcile_duration_seconds",
    help: "How long the last count of unprotected pods took; only on the leader",
    read: () => sources.reconciler().durationMs,
  });
}

interface Source<T> {
  readonly name: string;
  readonly help: string;
  readonly read: () => T;
}

function registerFlag(registers: Registry[], { name, help, read }: Source<boolean>): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers,
    collect: () => gauge.set(read() ? 1 : 0),
  });
}

/** Milliseconds in, seconds out; absent while there is nothing to tell, as 0 would be a value. */
function registerOptional(
  registers: Registry[],
  { name, help, read }: Source<number | null>,
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers,
    collect: () => {
      gauge.remove();
      const value = read();
      if (value !== null) gauge.set(value / 1000);
    },
  });
}
