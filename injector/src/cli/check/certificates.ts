/** Checks of the authority that the API server trusts and of the certificate that it is shown. Pure. */
import { isIssuedBy, keyMatches, parseBundle, parseCertificate } from "bouncer-certs/certificate";
import type { Certificate } from "bouncer-certs/certificate";
import { secretKey } from "../../tls/material.ts";
import { authoritiesOf } from "../installation.ts";
import type { Asker, InstallationState } from "./state.ts";
import { type Checked, type Report, reportAbout } from "./table.ts";

export function checkCertificates(state: InstallationState, asker: Asker): Checked[] {
  const report = reportAbout(state.installation);
  const bundle = authoritiesOf(state.installation.webhook);
  const authorities = parseBundle(bundle ?? "");
  return [
    checkBundle(bundle, authorities, { report, now: asker.now }),
    ...checkServing(state, authorities, { report, now: asker.now }),
  ];
}

interface Means {
  readonly report: Report;
  readonly now: number;
}

const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10);

function checkBundle(
  bundle: string | null,
  authorities: readonly Certificate[],
  { report, now }: Means,
): Checked {
  if (bundle === null) return report("ca_bundle", "failure", "the webhook has no caBundle");
  if (authorities.length === 0) {
    return report("ca_bundle", "failure", "caBundle has no certificate that can be read");
  }
  const valid = authorities.filter(({ notAfter }) => now < notAfter);
  const last = Math.max(...authorities.map(({ notAfter }) => notAfter));
  if (valid.length === 0) return report("ca_bundle", "failure", `it expired on ${dateOf(last)}`);
  const count = valid.length === 1 ? "one authority" : `${valid.length} authorities`;
  return report("ca_bundle", "ok", `${count}, until ${dateOf(last)}`);
}

function checkServing(
  { installation, secret, secretName }: InstallationState,
  authorities: readonly Certificate[],
  { report, now }: Means,
): Checked[] {
  const both = (result: "warning" | "failure", detail: string) => [
    report("serving_certificate", result, detail),
    report("certificate_expiry", result, "there is no certificate to look at"),
  ];
  if (secret.kind === "unreadable") return both("warning", secret.problem);
  if (secret.kind === "missing") return both("failure", `Secret "${secretName}" is not there`);
  const certificate = parseCertificate(secret.value[secretKey.certificate] ?? "");
  if (certificate === undefined) {
    return both("failure", `Secret "${secretName}" has no certificate that can be read`);
  }
  const host = `${installation.name}.${installation.namespace}.svc`;
  const key = secret.value[secretKey.key] ?? "";
  const wrong = [
    ...(keyMatches(certificate.pem, key) ? [] : ["its key does not belong to it"]),
    ...(certificate.dnsNames.includes(host) ? [] : [`it is not for ${host}`]),
    ...(authorities.some(({ pem }) => isIssuedBy(certificate.pem, pem))
      ? []
      : ["no authority in caBundle has signed it"]),
  ];
  return [
    wrong.length > 0
      ? report("serving_certificate", "failure", wrong.join("; "))
      : report("serving_certificate", "ok", `for ${host}`),
    checkExpiry(certificate, { report, now }),
  ];
}

/** It is renewed within minutes when a third of its life is left: a quarter means that it was not. */
const lateShare = 1 / 4;

function checkExpiry({ notBefore, notAfter }: Certificate, { report, now }: Means): Checked {
  const share = (notAfter - now) / (notAfter - notBefore);
  const date = dateOf(notAfter);
  if (now < notBefore) {
    return report("certificate_expiry", "failure", `it is valid from ${dateOf(notBefore)} only`);
  }
  if (share <= 0) return report("certificate_expiry", "failure", `it expired on ${date}`);
  const detail = `until ${date}, ${Math.floor(share * 100)} % of its life left`;
  return report("certificate_expiry", share < lateShare ? "warning" : "ok", detail);
}
