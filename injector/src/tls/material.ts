/**
 * What the webhook's Secret holds, as text and parsed. Four keys, with the usual names:
 * `ca.crt` every authority that is trusted, `ca.key` their private keys, `tls.crt` and `tls.key`
 * the serving certificate. The bridge's Secret has the same keys but `ca.key`. Pure.
 */
import type { KeyedCertificate } from "bouncer-certs/authority";
import {
  isIssuedBy,
  joinPem,
  keyMatches,
  parseBundle,
  parseCertificate,
  splitKeys,
} from "bouncer-certs/certificate";
import type { Certificate } from "bouncer-certs/certificate";
import type { ServingState } from "bouncer-certs/rotation";

/** `data` of a Secret, decoded. */
export type SecretData = Readonly<Record<string, string>>;

export interface Authority extends Certificate {
  readonly key: string;
}

export const secretKey = {
  authorities: "ca.crt",
  authorityKeys: "ca.key",
  certificate: "tls.crt",
  key: "tls.key",
} as const;

/** The authorities that can still sign. One whose key is lost is of no use, and is left out. */
export function parseAuthorities(data: SecretData): Authority[] {
  const keys = splitKeys(data[secretKey.authorityKeys] ?? "");
  return parseBundle(data[secretKey.authorities] ?? "").flatMap((certificate) => {
    const key = keys.find((candidate) => keyMatches(certificate.pem, candidate));
    return certificate.isAuthority && key !== undefined ? [{ ...certificate, key }] : [];
  });
}

export function formatAuthorities(authorities: readonly Authority[]): SecretData {
  return {
    [secretKey.authorities]: formatBundle(authorities),
    [secretKey.authorityKeys]: joinPem(authorities.map((authority) => authority.key)),
  };
}

export function formatBundle(authorities: readonly Certificate[]): string {
  return joinPem(authorities.map((authority) => authority.pem));
}

export function parseServing(data: SecretData, signer: Certificate | null): ServingState | null {
  const certificate = parseCertificate(data[secretKey.certificate] ?? "");
  if (certificate === undefined) return null;
  return {
    certificate,
    keyMatches: keyMatches(certificate.pem, data[secretKey.key] ?? ""),
    signedBySigner: signer !== null && isIssuedBy(certificate.pem, signer.pem),
  };
}

export function formatServing(serving: KeyedCertificate): SecretData {
  return {
    [secretKey.certificate]: joinPem([serving.certificate]),
    [secretKey.key]: joinPem([serving.key]),
  };
}

export function pickServing(data: SecretData): SecretData {
  return {
    [secretKey.certificate]: data[secretKey.certificate] ?? "",
    [secretKey.key]: data[secretKey.key] ?? "",
  };
}

/** The same keys with the same content, so that nothing has to be written. */
export function sameData(left: SecretData, right: SecretData): boolean {
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}
