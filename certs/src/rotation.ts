/**
 * Decides what the certificates need now. Pure, and everything is derived from the certificates
 * themselves and the clock, so replicas that see the same Secret decide alike and nothing else has
 * to be stored or elected.
 *
 * Life of an authority: it is *published* (in every bundle of trust) from the moment it is made; it
 * *signs* once it has been published for `publishLead`, so that whoever keeps a copy of the bundle
 * has it by then; its successor is made at 2/3 of its life; it leaves the bundles when the last
 * certificate it can have signed has expired, so no server can still present one.
 */
import type { Certificate } from "./certificate.ts";

const day = 86_400_000;

export interface RotationPolicy {
  readonly authorityLifetime: number;
  readonly servingLifetime: number;
  /** How long a new authority is only published before it signs. */
  readonly publishLead: number;
  /** Backdating of everything that is issued, for clocks that are behind. */
  readonly clockSkew: number;
}

/** Milliseconds. The lead is long because pods keep the bundle that they were created with. */
export const rotationPolicy: RotationPolicy = {
  authorityLifetime: 3650 * day,
  servingLifetime: 90 * day,
  publishLead: 365 * day,
  clockSkew: 3_600_000,
};

/** Both ends of a certificate's life. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface AuthorityPlan<T extends Validity> {
  /** Stay in the bundle, oldest first. */
  readonly keep: readonly T[];
  /** Signs; null: one must be issued, and signs at once. */
  readonly signer: T | null;
  /** A new authority must be issued and published. */
  readonly issue: boolean;
}

/** True from 2/3 of its life on. */
export function isDue(validity: Validity, now: number): boolean {
  return now >= validity.notBefore + ((validity.notAfter - validity.notBefore) * 2) / 3;
}

export function planAuthorities<T extends Validity>(
  authorities: readonly T[],
  now: number,
  policy: RotationPolicy,
): AuthorityPlan<T> {
  // One that is not valid yet stays: the clock of the replica that made it is ahead of ours.
  const valid = authorities
    .filter((authority) => now < authority.notAfter)
    .toSorted((a, b) => a.notBefore - b.notBefore);
  const signer = valid.findLast((a) => now >= a.notBefore + policy.publishLead) ?? valid[0] ?? null;
  // Counted from when the signer could begin to sign: what came before it signed nothing since.
  const retired =
    signer !== null &&
    now >= signer.notBefore + policy.publishLead + policy.servingLifetime + policy.clockSkew;
  const keep = retired ? valid.slice(valid.indexOf(signer)) : valid;
  const newest = valid.at(-1);
  return { keep, signer, issue: newest === undefined || isDue(newest, now) };
}

/** Life of a certificate issued now; it never outlives the one that signs it. */
export function planValidity(
  now: number,
  lifetime: number,
  limits: { readonly clockSkew: number; readonly signer?: Validity },
): Validity {
  const { clockSkew, signer } = limits;
  return {
    notBefore: Math.max(now - clockSkew, signer?.notBefore ?? 0),
    notAfter: Math.min(now + lifetime, signer?.notAfter ?? Infinity),
  };
}

/** Why a serving certificate must be issued anew; null when it is good. */
export type RenewalReason = "missing" | "unreadable" | "other_names" | "other_authority" | "due";

export interface ServingState {
  readonly certificate: Certificate;
  /** The key belongs to the certificate. */
  readonly keyMatches: boolean;
  /** It was signed by the authority that signs now. */
  readonly signedBySigner: boolean;
}

export function planServing(
  serving: ServingState | null,
  dnsNames: readonly string[],
  now: number,
): RenewalReason | null {
  if (serving === null) return "missing";
  if (!serving.keyMatches) return "unreadable";
  if (!serving.signedBySigner) return "other_authority";
  if (dnsNames.some((name) => !serving.certificate.dnsNames.includes(name))) return "other_names";
  return isDue(serving.certificate, now) ? "due" : null;
}
