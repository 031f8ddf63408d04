/**
 * Issues serving certificates: signed by an authority, for TLS servers only, for the given names
 * only. Clock, key pair and serial are passed in: same input, same output.
 */
import forge from "node-forge";
import type { KeyedCertificate } from "./authority.ts";
import type { Identity } from "./key-pair.ts";

export interface ServingRequest {
  readonly identity: Identity;
  readonly authority: KeyedCertificate;
  /** DNS names, the first one is also the common name; at least one. */
  readonly dnsNames: readonly [string, ...string[]];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Upper bound of a common name (RFC 5280, appendix A.1); clients look at the DNS names anyway. */
const commonNameLimit = 64;
const dnsType = 2;

export function issueServing(request: ServingRequest): KeyedCertificate {
  const { keyPair, serial } = request.identity;
  const authority = forge.pki.certificateFromPem(request.authority.certificate);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keyPair.publicKey);
  certificate.serialNumber = serial;
  certificate.validity.notBefore = new Date(request.notBefore);
  certificate.validity.notAfter = new Date(request.notAfter);
  certificate.setSubject([
    { name: "commonName", value: request.dnsNames[0].slice(0, commonNameLimit) },
  ]);
  certificate.setIssuer(authority.subject.attributes);
  certificate.setExtensions([
    { name: "basicConstraints", critical: true, cA: false },
    { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true },
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      altNames: request.dnsNames.map((value) => ({ type: dnsType, value })),
    },
    { name: "subjectKeyIdentifier" },
    {
      name: "authorityKeyIdentifier",
      keyIdentifier: authority.generateSubjectKeyIdentifier().getBytes(),
    },
  ]);
  const key = forge.pki.privateKeyFromPem(request.authority.key);
  certificate.sign(key, forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: keyPair.privateKey };
}
