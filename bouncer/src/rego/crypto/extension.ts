/** What the extensions of a certificate say, by the names of Go's x509.Certificate (RFC 5280, 4.2). Pure. */
import { BuiltinError } from "../builtin.ts";
import { contextTag, Der, tags, toArcs, toInteger, toOid } from "./der.ts";
import { nameTags, readAlternativeNames } from "./general-name.ts";
import type { GoUrl } from "./go-url.ts";
import { type Constraints, noConstraints, readConstraints } from "./name-constraints.ts";
import { decodeUtf8 } from "../text/utf8.ts";

export interface Extension {
  readonly Id: readonly number[];
  readonly Critical: boolean;
  readonly Value: Uint8Array;
}

/** Lists are null until something is in them, numbers 0 until they are set. */
export interface Extensions {
  KeyUsage: number;
  BasicConstraintsValid: boolean;
  IsCA: boolean;
  MaxPathLen: bigint;
  DNSNames: readonly string[];
  EmailAddresses: readonly string[];
  IPAddresses: readonly Uint8Array[];
  URIs: readonly GoUrl[];
  Constraints: Constraints;
  CRLDistributionPoints: string[];
  AuthorityKeyId: Uint8Array | null;
  SubjectKeyId: Uint8Array | null;
  RequireExplicitPolicy: bigint | null;
  InhibitPolicyMapping: bigint | null;
  InhibitAnyPolicy: bigint | null;
  ExtKeyUsage: number[];
  UnknownExtKeyUsage: (readonly number[])[];
  /** Null without the extension, which may be there and empty. */
  Policies: readonly Uint8Array[] | null;
  PolicyMappings: (readonly [issuer: Uint8Array, subject: Uint8Array])[];
  OCSPServer: string[];
  IssuingCertificateURL: string[];
  UnhandledCriticalExtensions: (readonly number[])[];
}

function none(): Extensions {
  return {
    KeyUsage: 0,
    BasicConstraintsValid: false,
    IsCA: false,
    MaxPathLen: 0n,
    DNSNames: [],
    EmailAddresses: [],
    IPAddresses: [],
    URIs: [],
    Constraints: noConstraints,
    CRLDistributionPoints: [],
    AuthorityKeyId: null,
    SubjectKeyId: null,
    RequireExplicitPolicy: null,
    InhibitPolicyMapping: null,
    InhibitAnyPolicy: null,
    ExtKeyUsage: [],
    UnknownExtKeyUsage: [],
    Policies: null,
    PolicyMappings: [],
    OCSPServer: [],
    IssuingCertificateURL: [],
    UnhandledCriticalExtensions: [],
  };
}

/** Puts what the extension says into `into`; false when it is not understood. */
type Handler = (extension: Extension, into: Extensions) => boolean;

function understood(handle: (extension: Extension, into: Extensions) => void): Handler {
  return (extension, into) => {
    handle(extension, into);
    return true;
  };
}

/** RFC 5280 demands that these are not critical, and Go insists. */
function notCritical(handle: (extension: Extension, into: Extensions) => void): Handler {
  return understood((extension, into) => {
    if (extension.Critical) throw new BuiltinError("extension incorrectly marked critical");
    handle(extension, into);
  });
}

const handlers: ReadonlyMap<string, Handler> = new Map([
  ["2.5.29.14", notCritical(({ Value }, into) => (into.SubjectKeyId = content(Value)))],
  ["2.5.29.15", understood(({ Value }, into) => (into.KeyUsage = readKeyUsage(Value)))],
  ["2.5.29.17", handleNames],
  ["2.5.29.19", understood(handleBasicConstraints)],
  ["2.5.29.30", handleConstraints],
  ["2.5.29.31", understood(handleDistributionPoints)],
  ["2.5.29.32", understood(handlePolicies)],
  ["2.5.29.33", understood(handleMappings)],
  ["2.5.29.35", notCritical(handleAuthorityKey)],
  ["2.5.29.36", understood(handlePolicyConstraints)],
  ["2.5.29.37", understood(handleUsages)],
  ["2.5.29.54", understood(handleAnyPolicy)],
  ["1.3.6.1.5.5.7.1.1", notCritical(handleAccess)],
]);

export function readExtension(der: Der): Extension {
  const Id = der.oid();
  const Critical = der.peeks(tags.boolean) && der.boolean();
  return { Id, Critical, Value: der.content(tags.octetString) };
}

export function readExtensions(extensions: readonly Extension[]): Extensions {
  const into = none();
  for (const extension of extensions) {
    const handle = handlers.get(extension.Id.join("."));
    const isHandled = handle !== undefined && handle(extension, into);
    if (extension.Critical && !isHandled) into.UnhandledCriticalExtensions.push(extension.Id);
  }
  return into;
}

function content(value: Uint8Array): Uint8Array {
  return new Der(value).content(tags.octetString);
}

function readKeyUsage(value: Uint8Array): number {
  const { bytes } = new Der(value).bitString();
  let usage = 0;
  for (let bit = 0; bit < 9; bit += 1) {
    if ((((bytes[bit >> 3] ?? 0) >> (7 - (bit % 8))) & 1) === 1) usage |= 1 << bit;
  }
  return usage;
}

function handleNames({ Value }: Extension, into: Extensions): boolean {
  const { dns, emails, ips, uris } = readAlternativeNames(Value);
  into.DNSNames = dns;
  into.EmailAddresses = emails;
  into.IPAddresses = ips;
  into.URIs = uris;
  return [dns, emails, ips, uris].some((names) => names.length > 0);
}

function handleBasicConstraints({ Value }: Extension, into: Extensions): void {
  const constraints = new Der(Value).inside(tags.sequence);
  into.IsCA = constraints.peeks(tags.boolean) && constraints.boolean();
  into.MaxPathLen = constraints.peeks(tags.integer) ? readCount(constraints.integer()) : -1n;
  into.BasicConstraintsValid = true;
}

function readCount(value: bigint): bigint {
  if (value < 0n || value >= 1n << 63n) throw new BuiltinError("not a count");
  return value;
}

function readSigned(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new BuiltinError("not a 64 bit integer");
  return value;
}

function handleConstraints({ Value, Critical }: Extension, into: Extensions): boolean {
  into.Constraints = readConstraints(Value, Critical);
  return !into.Constraints.hasUnknown;
}

function handleDistributionPoints({ Value }: Extension, into: Extensions): void {
  const points = new Der(Value).inside(tags.sequence);
  const wrapper = contextTag(0, true);
  while (!points.isEmpty) {
    const names = points.inside(tags.sequence).optional(wrapper)?.inside(wrapper);
    while (names?.peeks(nameTags.uri) === true) {
      into.CRLDistributionPoints.push(decodeUtf8(names.content(nameTags.uri)));
    }
  }
}

function handlePolicies({ Value }: Extension, into: Extensions): void {
  const policies: Uint8Array[] = [];
  const seen = new Set<string>();
  const sequence = new Der(Value).inside(tags.sequence);
  while (!sequence.isEmpty) {
    const policy = sequence.inside(tags.sequence).content(tags.oid);
    const key = toArcs(policy, maxPolicyBits).join(".");
    if (seen.has(key)) throw new BuiltinError("a policy is there twice");
    seen.add(key);
    policies.push(policy);
  }
  into.Policies = policies;
}

/** Go has no bound; nobody numbers policies like this. */
export const maxPolicyBits = 1024;

function handleMappings({ Value }: Extension, into: Extensions): void {
  const mappings = new Der(Value).inside(tags.sequence);
  while (!mappings.isEmpty) {
    const mapping = mappings.inside(tags.sequence);
    into.PolicyMappings.push([mapping.content(tags.oid), mapping.content(tags.oid)]);
  }
}

function handleAuthorityKey({ Value }: Extension, into: Extensions): void {
  const identifier = new Der(Value).inside(tags.sequence);
  const tag = contextTag(0, false);
  into.AuthorityKeyId = identifier.peeks(tag) ? identifier.content(tag) : null;
}

function handlePolicyConstraints({ Value }: Extension, into: Extensions): void {
  const constraints = new Der(Value).inside(tags.sequence);
  const read = (tag: number): bigint | null =>
    constraints.peeks(tag) ? readSigned(toInteger(constraints.content(tag))) : null;
  into.RequireExplicitPolicy = read(contextTag(0, false)) ?? into.RequireExplicitPolicy;
  into.InhibitPolicyMapping = read(contextTag(1, false)) ?? into.InhibitPolicyMapping;
}

function handleAnyPolicy({ Value }: Extension, into: Extensions): void {
  into.InhibitAnyPolicy = readSigned(new Der(Value).integer());
}

// In the order of Go's constants.
const usages = [
  "2.5.29.37.0",
  "1.3.6.1.5.5.7.3.1",
  "1.3.6.1.5.5.7.3.2",
  "1.3.6.1.5.5.7.3.3",
  "1.3.6.1.5.5.7.3.4",
  "1.3.6.1.5.5.7.3.5",
  "1.3.6.1.5.5.7.3.6",
  "1.3.6.1.5.5.7.3.7",
  "1.3.6.1.5.5.7.3.8",
  "1.3.6.1.5.5.7.3.9",
  "1.3.6.1.4.1.311.10.3.3",
  "2.16.840.1.113730.4.1",
  "1.3.6.1.4.1.311.2.1.22",
  "1.3.6.1.4.1.311.61.1.1",
] as const;

function handleUsages({ Value }: Extension, into: Extensions): void {
  const sequence = new Der(Value).inside(tags.sequence);
  while (!sequence.isEmpty) {
    const oid = toOid(sequence.content(tags.oid));
    const text = oid.join(".");
    const usage = usages.findIndex((known) => known === text);
    if (usage < 0) into.UnknownExtKeyUsage.push(oid);
    else into.ExtKeyUsage.push(usage);
  }
}

function handleAccess({ Value }: Extension, into: Extensions): void {
  const descriptions = new Der(Value).inside(tags.sequence);
  while (!descriptions.isEmpty) {
    const description = descriptions.inside(tags.sequence);
    const method = description.oid().join(".");
    if (!description.peeks(nameTags.uri)) continue;
    const location = decodeUtf8(description.content(nameTags.uri));
    if (method === "1.3.6.1.5.5.7.48.1") into.OCSPServer.push(location);
    else if (method === "1.3.6.1.5.5.7.48.2") into.IssuingCertificateURL.push(location);
  }
}
