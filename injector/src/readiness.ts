/** Whether the API server may send pods here, and if not, why. Pure. */
import type { CertificatesStatus } from "./tls/certificates.ts";

export interface ReadinessFacts {
  readonly certificates: CertificatesStatus;
  readonly namespacesSynced: boolean;
  /** What is known about the cluster was read, or is out of reach. */
  readonly clusterSettled: boolean;
  readonly draining: boolean;
  readonly now: number;
}

type Check = "certificate" | "caBundle" | "namespaces" | "cluster" | "process";

/** Each check by name: "ok", or what is missing. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, string>>;
  /** Last failure of the certificate loop, which may be why a check fails. */
  readonly error: string | null;
}

export function assessReadiness(facts: ReadinessFacts): Readiness {
  const { certificates, namespacesSynced, clusterSettled, draining, now } = facts;
  const checks = {
    certificate: certificateCheck(certificates, now),
    caBundle: certificates.caBundleInSync ? "ok" : "not published",
    namespaces: namespacesSynced ? "ok" : "not listed yet",
    cluster: clusterSettled ? "ok" : "not read yet",
    process: draining ? "shutting down" : "ok",
  };
  const ready = Object.values(checks).every((check) => check === "ok");
  return { ready, checks, error: certificates.error };
}

function certificateCheck({ serving }: CertificatesStatus, now: number): string {
  if (serving === null) return "not loaded yet";
  return now < serving.notAfter ? "ok" : "expired";
}
