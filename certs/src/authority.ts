/**
 * Issues the certificate of an authority: self-signed, for signing serving certificates only
 * (RFC 5280, 4.2.1.3 and 4.2.1.9). Clock, key pair and serial are passed in: same input, same output.
 */
import forge from "node-forge";
import type { Identity } from "./key-pair.ts";

/** PEM of a certificate and of its private key. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityRequest {
  readonly identity: Identity;
  readonly commonName: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export function issueAuthority(request: AuthorityRequest): KeyedCertificate {
  const { keyPair, serial } = request.identity;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keyPair.publicKey);
  certificate.serialNumber = serial;
  certificate.validity.notBefore = new Date(request.notBefore);
  certificate.validity.notAfter = new Date(request.notAfter);
  // The serial tells two authorities apart that overlap: verifiers look issuers up by name first.
  const name = [
    { name: "commonName", value: request.commonName },
    { name: "serialNumber", value: serial },
  ];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: "basicConstraints", critical: true, cA: true, pathLenConstraint: 0 },
    { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true },
    { name: "subjectKeyIdentifier" },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keyPair.privateKey), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: keyPair.privateKey };
}
