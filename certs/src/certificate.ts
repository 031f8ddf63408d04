/**
 * Reading certificates and keys: PEM in, facts out. Nothing here issues anything. Every function is
 * pure, and undefined, false or an empty list is the answer to input that is not what it should be.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";

/** A certificate, parsed once. */
export interface Certificate {
  readonly pem: string;
  /** Hex SHA-256 of the DER encoding: the identity of a certificate. */
  readonly fingerprint: string;
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** True for an authority. */
  readonly isAuthority: boolean;
  /** DNS names in the subject alternative name. */
  readonly dnsNames: readonly string[];
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const keyBlock = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/g;

export function parseCertificate(pem: string): Certificate | undefined {
  try {
    const x509 = new X509Certificate(pem);
    return {
      pem: normalized(pem),
      fingerprint: x509.fingerprint256.replaceAll(":", "").toLowerCase(),
      subject: x509.subject,
      notBefore: x509.validFromDate.getTime(),
      notAfter: x509.validToDate.getTime(),
      isAuthority: x509.ca,
      dnsNames: dnsNamesOf(x509.subjectAltName),
    };
  } catch {
    return undefined;
  }
}

/** Every certificate of a bundle that can be read, in order; what cannot be read is left out. */
export function parseBundle(pem: string): Certificate[] {
  return (pem.match(certificateBlock) ?? [])
    .map((block) => parseCertificate(block))
    .filter((certificate) => certificate !== undefined);
}

/** The private keys of a file, each as its own PEM. */
export function splitKeys(pem: string): string[] {
  return (pem.match(keyBlock) ?? []).map(normalized);
}

/** PEM of several certificates or keys in one file. */
export function joinPem(blocks: readonly string[]): string {
  return blocks.map(normalized).join("");
}

export function keyMatches(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

export function isIssuedBy(certificatePem: string, authorityPem: string): boolean {
  try {
    const certificate = new X509Certificate(certificatePem);
    const authority = new X509Certificate(authorityPem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  } catch {
    return false;
  }
}

function normalized(pem: string): string {
  return `${pem.trim().replaceAll("\r\n", "\n")}\n`;
}

/** Node renders the extension as `DNS:a, DNS:b`. */
function dnsNamesOf(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? "")
    .split(", ")
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice("DNS:".length));
}
