/** Certificates as OPA hands them out: the JSON of Go's x509.Certificate. */
import { fromByteString } from "../text/utf8.ts";
import type { Certificate } from "./certificate.ts";
import { toArcs, toOid } from "./der.ts";
import { buildName } from "./distinguished-name.ts";
import { type Extension, maxPolicyBits } from "./extension.ts";
import { printIp } from "./general-name.ts";
import { type Json, orNull } from "./go-json.ts";
import { type GoUrl, printUrl } from "./go-url.ts";
import type { Network } from "./name-constraints.ts";
import type { PublicKey } from "./public-key.ts";

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

export function describeCertificate(certificate: Certificate): { readonly [name: string]: Json } {
  return {
    Raw: toBase64(certificate.raw),
    RawTBSCertificate: toBase64(certificate.rawTbs),
    RawSubjectPublicKeyInfo: toBase64(certificate.rawPublicKeyInfo),
    RawSubject: toBase64(certificate.rawSubject),
    RawIssuer: toBase64(certificate.rawIssuer),
    Signature: toBase64(certificate.signature),
    SignatureAlgorithm: certificate.signatureAlgorithm?.number ?? 0,
    PublicKeyAlgorithm: certificate.publicKeyAlgorithm,
    PublicKey: describePublicKey(certificate.publicKey),
    Version: certificate.version,
    SerialNumber: certificate.serialNumber,
    Issuer: buildName(certificate.issuer),
    Subject: buildName(certificate.subject),
    NotBefore: certificate.notBefore.text,
    NotAfter: certificate.notAfter.text,
    Extensions: describeExtensions(certificate.extensions),
    ExtraExtensions: null,
    ...describeUses(certificate),
    ...describeAlternativeNames(certificate.says),
    ...describeConstraints(certificate),
    ...describePolicies(certificate),
  };
}

/** What `crypto.x509.parse_certificates` adds to it. */
export function describeWithUris(certificate: Certificate): Json {
  const uris = certificate.says.URIs.map((uri) => fromByteString(printUrl(uri)));
  return { ...describeCertificate(certificate), URIStrings: orNull(uris) };
}

export function describePublicKey(key: PublicKey | null): Json {
  switch (key?.kind) {
    case "rsa":
      return { N: key.modulus, E: key.exponent };
    case "ec":
      return { Curve: {}, X: key.x, Y: key.y };
    case "dsa":
      return { P: key.p, Q: key.q, G: key.g, Y: key.y };
    case "ed25519":
      return toBase64(key.bytes);
    case "x25519":
    case undefined:
  }
  return null;
}

export function describeExtensions(extensions: readonly Extension[]): Json {
  return orNull(
    extensions.map((extension) => ({ ...extension, Value: toBase64(extension.Value) })),
  );
}

function describeUses({ says }: Certificate): { readonly [name: string]: Json } {
  return {
    KeyUsage: says.KeyUsage,
    UnhandledCriticalExtensions: orNull(says.UnhandledCriticalExtensions),
    ExtKeyUsage: orNull(says.ExtKeyUsage),
    UnknownExtKeyUsage: orNull(says.UnknownExtKeyUsage),
    BasicConstraintsValid: says.BasicConstraintsValid,
    IsCA: says.IsCA,
    MaxPathLen: says.MaxPathLen,
    MaxPathLenZero: says.BasicConstraintsValid && says.MaxPathLen === 0n,
    SubjectKeyId: says.SubjectKeyId === null ? null : toBase64(says.SubjectKeyId),
    AuthorityKeyId: says.AuthorityKeyId === null ? null : toBase64(says.AuthorityKeyId),
    OCSPServer: orNull(says.OCSPServer),
    IssuingCertificateURL: orNull(says.IssuingCertificateURL),
    CRLDistributionPoints: orNull(says.CRLDistributionPoints),
  };
}

interface AlternativeNames {
  readonly DNSNames: readonly string[];
  readonly EmailAddresses: readonly string[];
  readonly IPAddresses: readonly Uint8Array[];
  readonly URIs: readonly GoUrl[];
}

export function describeAlternativeNames(names: AlternativeNames): {
  readonly [name: string]: Json;
} {
  return {
    DNSNames: orNull(names.DNSNames),
    EmailAddresses: orNull(names.EmailAddresses),
    IPAddresses: orNull(names.IPAddresses.map(printIp)),
    URIs: orNull(names.URIs.map(describeUrl)),
  };
}

function describeUrl(url: GoUrl): Json {
  return {
    Scheme: fromByteString(url.scheme),
    Opaque: fromByteString(url.opaque),
    // Go keeps what is in it to itself.
    User: url.user === null ? null : {},
    Host: fromByteString(url.host),
    Path: fromByteString(url.path),
    RawPath: fromByteString(url.rawPath),
    OmitHost: url.omitHost,
    ForceQuery: url.forceQuery,
    RawQuery: fromByteString(url.rawQuery),
    Fragment: fromByteString(url.fragment),
    RawFragment: fromByteString(url.rawFragment),
  };
}

function describeConstraints({ says }: Certificate): { readonly [name: string]: Json } {
  const { isCritical, permitted, excluded } = says.Constraints;
  return {
    PermittedDNSDomainsCritical: isCritical,
    PermittedDNSDomains: orNull(permitted.dns),
    ExcludedDNSDomains: orNull(excluded.dns),
    PermittedIPRanges: orNull(permitted.ips.map(describeNetwork)),
    ExcludedIPRanges: orNull(excluded.ips.map(describeNetwork)),
    PermittedEmailAddresses: orNull(permitted.emails),
    ExcludedEmailAddresses: orNull(excluded.emails),
    PermittedURIDomains: orNull(permitted.uris),
    ExcludedURIDomains: orNull(excluded.uris),
  };
}

function describeNetwork({ ip, mask }: Network): Json {
  return { IP: printIp(ip), Mask: toBase64(mask) };
}

function describePolicies({ says }: Certificate): { readonly [name: string]: Json } {
  const { Policies, InhibitAnyPolicy, InhibitPolicyMapping, RequireExplicitPolicy } = says;
  return {
    PolicyIdentifiers: Policies === null ? null : Policies.filter(isSmall).map(toOid),
    Policies: orNull((Policies ?? []).map(printPolicy)),
    PolicyMappings: orNull(
      says.PolicyMappings.map(([issuer, subject]) => ({
        IssuerDomainPolicy: printPolicy(issuer),
        SubjectDomainPolicy: printPolicy(subject),
      })),
    ),
    InhibitAnyPolicy: InhibitAnyPolicy ?? 0,
    InhibitAnyPolicyZero: InhibitAnyPolicy === 0n,
    InhibitPolicyMapping: InhibitPolicyMapping ?? 0,
    InhibitPolicyMappingZero: InhibitPolicyMapping === 0n,
    RequireExplicitPolicy: RequireExplicitPolicy ?? 0,
    RequireExplicitPolicyZero: RequireExplicitPolicy === 0n,
  };
}

function isSmall(policy: Uint8Array): boolean {
  return toArcs(policy, maxPolicyBits).every((arc) => arc < 1n << 31n);
}

function printPolicy(policy: Uint8Array): string {
  return toArcs(policy, maxPolicyBits).join(".");
}
