/**
 * Keeps the certificates of webhook and bridge current, and the API server trusting them. One pass:
 * read the Secret, renew what is due, write it back if nobody else did meanwhile, then the bridge's
 * Secret, then `caBundle`, and only then serve the new certificate. Every replica does this by
 * itself; the resourceVersion decides who is first, the others take over what was written.
 *
 * When the API server cannot be reached, the certificate in memory goes on being served.
 */
import { parseCertificate } from "bouncer-certs/certificate";
import type { Certificate } from "bouncer-certs/certificate";
import { InjectorError, messageOf } from "../errors.ts";
import type { SecretStore } from "../kube/secrets.ts";
import type { WebhookStore } from "../kube/webhook.ts";
import type { Log } from "../telemetry/log.ts";
import { buildCaBundlePatch } from "./ca-bundle.ts";
import { formatBundle, sameData, secretKey } from "./material.ts";
import type { SecretData } from "./material.ts";
import { renewMaterial, renewServing } from "./renew.ts";
import type { Change, DnsNames, RenewDeps, RenewedMaterial } from "./renew.ts";

export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificatesDeps extends RenewDeps {
  readonly secrets: SecretStore;
  readonly webhook: WebhookStore;
  readonly serving: { readonly secret: string; readonly dnsNames: DnsNames };
  /** Null without an included bridge. */
  readonly bridge: { readonly secret: string; readonly dnsNames: DnsNames } | null;
  /** Called with each certificate to serve, when the API server trusts it. */
  readonly serve: (certificate: ServingCertificate) => void;
  readonly log: Log;
}

/** For /ready and metrics. */
export interface CertificatesStatus {
  /** Served now. */
  readonly serving: Certificate | null;
  readonly signer: Certificate | null;
  readonly bridge: Certificate | null;
  readonly caBundleInSync: boolean;
  /** Failure of the last pass; null when it went well. */
  readonly error: string | null;
}

export interface Certificates {
  /** One pass. Rejects with an InjectorError when it could not be completed. */
  reconcile(): Promise<void>;
  status(): CertificatesStatus;
  /** PEM of the trusted authorities; null before the first pass. */
  bundle(): string | null;
}

/** Replicas that start at once lose to the first one; more than a few rounds means something else. */
const attempts = 8;

export function createCertificates(deps: CertificatesDeps): Certificates {
  const { secrets, webhook, log } = deps;
  let bundle: string | null = null;
  let status: CertificatesStatus = {
    serving: null,
    signer: null,
    bridge: null,
    caBundleInSync: false,
    error: null,
  };
  const report = (secret: string, changes: readonly Change[]): void => {
    for (const change of changes) log.info({ secret, ...change }, "certificates renewed");
  };

  /** Reads, renews and writes until the write is not overtaken. */
  async function renew<
    T extends { readonly data: SecretData; readonly changes: readonly Change[] },
  >(secret: string, renewed: (data: SecretData) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const current = await secrets.read(secret);
      const wanted = await renewed(current.data);
      if (sameData(current.data, wanted.data)) return wanted;
      const next = { resourceVersion: current.resourceVersion, data: wanted.data };
      if ((await secrets.write(secret, next)) === "written") {
        report(secret, wanted.changes);
        return wanted;
      }
    }
    throw new InjectorError("conflict", `Cannot write Secret "${secret}": others keep changing it`);
  }

  async function renewBridge(material: RenewedMaterial): Promise<Certificate | null> {
    if (deps.bridge === null) return null;
    const request = { signer: material.signer, dnsNames: deps.bridge.dnsNames };
    const authorities: SecretData = { [secretKey.authorities]: formatBundle(material.authorities) };
    const { data } = await renew(deps.bridge.secret, async (current) => {
      const serving = await renewServing(current, request, deps);
      const wanted: SecretData = { ...authorities, ...serving.data };
      return { data: wanted, changes: serving.changes };
    });
    return parseCertificate(data[secretKey.certificate] ?? "") ?? null;
  }

  async function publish(pem: string): Promise<void> {
    const caBundle = Buffer.from(pem).toString("base64");
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const webhooks = await webhook.read();
      const patch = webhooks === null ? [] : buildCaBundlePatch(webhooks, caBundle);
      // Known only from here on: while the API server does not answer, the last state counts.
      status = { ...status, caBundleInSync: webhooks !== null && patch.length === 0 };
      if (webhooks === null) throw missingWebhook();
      if (patch.length === 0) return;
      if ((await webhook.patch(patch)) === "written") log.info({}, "caBundle published");
    }
    throw new InjectorError("conflict", "Cannot publish caBundle: others keep changing it");
  }

  function serve(data: SecretData): Certificate | null {
    const cert = data[secretKey.certificate] ?? "";
    const certificate = parseCertificate(cert) ?? null;
    if (certificate?.fingerprint === status.serving?.fingerprint) return status.serving;
    deps.serve({ cert, key: data[secretKey.key] ?? "" });
    const notAfter = new Date(certificate?.notAfter ?? 0).toISOString();
    log.info({ fingerprint: certificate?.fingerprint, notAfter }, "certificate loaded");
    return certificate;
  }

  async function pass(): Promise<void> {
    const material = await renew(deps.serving.secret, (data) =>
      renewMaterial(data, deps.serving.dnsNames, deps),
    );
    bundle = formatBundle(material.authorities);
    status = { ...status, signer: material.signer };
    const published = await Promise.allSettled([publish(bundle), renewBridge(material)]);
    const [caBundle, bridge] = published;
    if (bridge.status === "fulfilled") status = { ...status, bridge: bridge.value };
    // Without any certificate there is nothing to lose; with one, the next must be trusted first.
    if (caBundle.status === "fulfilled" || status.serving === null) {
      status = { ...status, serving: serve(material.data) };
    }
    for (const result of published) if (result.status === "rejected") throw result.reason;
  }

  return {
    reconcile: async () => {
      try {
        await pass();
        status = { ...status, error: null };
      } catch (error) {
        status = { ...status, error: messageOf(error) };
        throw error;
      }
    },
    status: () => status,
    bundle: () => bundle,
  };
}

function missingWebhook(): InjectorError {
  return new InjectorError("webhook_missing", "Cannot publish caBundle: the webhook is not there");
}
