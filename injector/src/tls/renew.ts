/**
 * Brings the content of the certificate Secrets up to date: content in, content out. What is needed
 * is decided in bouncer-certs/rotation; clock and randomness are passed in; no API here.
 */
import { issueAuthority } from "bouncer-certs/authority";
import { parseCertificate } from "bouncer-certs/certificate";
import { authorityKeyBits, servingKeyBits } from "bouncer-certs/key-pair";
import type { Identity } from "bouncer-certs/key-pair";
import { planAuthorities, planServing, planValidity } from "bouncer-certs/rotation";
import type { RenewalReason, RotationPolicy } from "bouncer-certs/rotation";
import { issueServing } from "bouncer-certs/serving";
import {
  formatAuthorities,
  formatServing,
  parseAuthorities,
  parseServing,
  pickServing,
} from "./material.ts";
import type { Authority, SecretData } from "./material.ts";

export interface RenewDeps {
  readonly now: () => number;
  readonly createIdentity: (bits: number) => Promise<Identity>;
  readonly policy: RotationPolicy;
}

export type DnsNames = readonly [string, ...string[]];

/** What changed, for the log. */
export type Change =
  | { readonly kind: "authority_issued"; readonly fingerprint: string }
  | { readonly kind: "authorities_dropped"; readonly count: number }
  | { readonly kind: "certificate_issued"; readonly reason: RenewalReason };

export interface RenewedAuthorities {
  /** Trusted, oldest first. */
  readonly authorities: readonly Authority[];
  readonly signer: Authority;
  readonly changes: readonly Change[];
}

const commonName = "bouncer-injector";

export async function renewAuthorities(
  data: SecretData,
  deps: RenewDeps,
): Promise<RenewedAuthorities> {
  const stored = parseAuthorities(data);
  const plan = planAuthorities(stored, deps.now(), deps.policy);
  const issued = plan.issue ? [await newAuthority(deps)] : [];
  const authorities = [...plan.keep, ...issued];
  const signer = plan.signer ?? issued[0];
  if (signer === undefined) throw new Error("an authority is either kept or issued");
  const dropped = stored.length - plan.keep.length;
  return {
    authorities,
    signer,
    changes: [
      ...issued.map(({ fingerprint }) => ({ kind: "authority_issued" as const, fingerprint })),
      ...(dropped > 0 ? [{ kind: "authorities_dropped" as const, count: dropped }] : []),
    ],
  };
}

async function newAuthority(deps: RenewDeps): Promise<Authority> {
  const { clockSkew, authorityLifetime } = deps.policy;
  const identity = await deps.createIdentity(authorityKeyBits);
  const validity = planValidity(deps.now(), authorityLifetime, { clockSkew });
  const { certificate, key } = issueAuthority({ identity, commonName, ...validity });
  const parsed = parseCertificate(certificate);
  if (parsed === undefined) throw new Error("an issued certificate cannot be read");
  return { ...parsed, key };
}

export interface RenewedServing {
  /** `tls.crt` and `tls.key`. */
  readonly data: SecretData;
  readonly changes: readonly Change[];
}

/** The certificate in `data` when it is good, else a new one. */
export async function renewServing(
  data: SecretData,
  request: { readonly signer: Authority; readonly dnsNames: DnsNames },
  deps: RenewDeps,
): Promise<RenewedServing> {
  const { signer, dnsNames } = request;
  const reason = planServing(parseServing(data, signer), dnsNames, deps.now());
  if (reason === null) return { data: pickServing(data), changes: [] };
  const identity = await deps.createIdentity(servingKeyBits);
  const { clockSkew, servingLifetime } = deps.policy;
  const issued = issueServing({
    identity,
    authority: { certificate: signer.pem, key: signer.key },
    dnsNames,
    ...planValidity(deps.now(), servingLifetime, { clockSkew, signer }),
  });
  return { data: formatServing(issued), changes: [{ kind: "certificate_issued", reason }] };
}

export interface RenewedMaterial extends RenewedAuthorities {
  /** The whole content of the webhook's Secret. */
  readonly data: SecretData;
}

export async function renewMaterial(
  data: SecretData,
  dnsNames: DnsNames,
  deps: RenewDeps,
): Promise<RenewedMaterial> {
  const { authorities, signer, changes } = await renewAuthorities(data, deps);
  const serving = await renewServing(data, { signer, dnsNames }, deps);
  return {
    authorities,
    signer,
    data: { ...formatAuthorities(authorities), ...serving.data },
    changes: [...changes, ...serving.changes],
  };
}
