/** Certificates, parsed as Go's x509.ParseCertificate does it: what Go refuses is refused. */
import { BuiltinError } from "../builtin.ts";
import { contextTag, Der, tags } from "./der.ts";
import { type Attribute, readAttributes } from "./distinguished-name.ts";
import { type Extension, type Extensions, readExtension, readExtensions } from "./extension.ts";
import {
  alignRight,
  oids,
  type PublicKey,
  readAlgorithm,
  readPublicKeyInfo,
  toPublicKey,
} from "./public-key.ts";
import { type SignatureAlgorithm, signatureAlgorithmOf } from "./signature-algorithm.ts";
import { readTime, type Time } from "./time.ts";

export interface Certificate {
  readonly raw: Uint8Array;
  readonly rawTbs: Uint8Array;
  readonly rawPublicKeyInfo: Uint8Array;
  readonly rawSubject: Uint8Array;
  readonly rawIssuer: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm | null;
  readonly publicKeyAlgorithm: number;
  /** null when the algorithm is not known. */
  readonly publicKey: PublicKey | null;
  readonly version: number;
  readonly serialNumber: bigint;
  readonly issuer: readonly Attribute[];
  readonly subject: readonly Attribute[];
  readonly notBefore: Time;
  readonly notAfter: Time;
  readonly extensions: readonly Extension[];
  readonly says: Extensions;
}

// Go's numbers of algorithms.
const publicKeyAlgorithms: ReadonlyMap<string, number> = new Map([
  [oids.rsa, 1],
  [oids.dsa, 2],
  [oids.ec, 3],
  [oids.ed25519, 4],
]);

function publicKeyAlgorithmOf(oid: string): number {
  return publicKeyAlgorithms.get(oid) ?? 0;
}

export interface KnownKey {
  readonly publicKeyAlgorithm: number;
  readonly publicKey: PublicKey | null;
}

export function readKnownKey(rawPublicKeyInfo: Uint8Array): KnownKey {
  const info = readPublicKeyInfo(rawPublicKeyInfo);
  const publicKeyAlgorithm = publicKeyAlgorithmOf(info.algorithm.oid);
  return { publicKeyAlgorithm, publicKey: publicKeyAlgorithm === 0 ? null : toPublicKey(info) };
}

export function readCertificate(der: Uint8Array): Certificate {
  const [certificate, ...others] = readCertificates(der);
  if (certificate === undefined || others.length > 0) {
    throw new BuiltinError("not exactly one certificate");
  }
  return certificate;
}

/** One after the other, without anything between them. */
export function readCertificates(der: Uint8Array): readonly Certificate[] {
  const certificates: Certificate[] = [];
  const reader = new Der(der);
  while (!reader.isEmpty) certificates.push(readOne(reader.element(tags.sequence).raw));
  return certificates;
}

function readOne(raw: Uint8Array): Certificate {
  const outer = new Der(raw).inside(tags.sequence);
  const rawTbs = outer.element(tags.sequence).raw;
  const tbs = new Der(rawTbs).inside(tags.sequence);
  const version = readVersion(tbs);
  const serialNumber = tbs.integer();
  if (serialNumber < 0n) throw new BuiltinError("negative serial number");
  const algorithm = readSignatureAlgorithm(tbs, outer);
  const rawIssuer = tbs.element(tags.sequence).raw;
  const issuer = readAttributes(rawIssuer);
  const validity = tbs.inside(tags.sequence);
  const [notBefore, notAfter] = [readTime(validity), readTime(validity)];
  const rawSubject = tbs.element(tags.sequence).raw;
  const subject = readAttributes(rawSubject);
  const rawPublicKeyInfo = tbs.element(tags.sequence).raw;
  const key = readKnownKey(rawPublicKeyInfo);
  const extensions = version > 1 ? readTail(tbs, version) : [];
  return {
    raw,
    rawTbs,
    rawPublicKeyInfo,
    rawSubject,
    rawIssuer,
    signature: alignRight(outer.bitString()),
    signatureAlgorithm: algorithm,
    ...key,
    version,
    serialNumber,
    issuer,
    subject,
    notBefore,
    notAfter,
    extensions,
    says: readExtensions(extensions),
  };
}

function readVersion(tbs: Der): number {
  const version = tbs.optional(contextTag(0, true))?.integer() ?? 0n;
  if (version < 0n || version > 2n) throw new BuiltinError("invalid version");
  return Number(version) + 1;
}

/** It stands inside of what is signed, and outside: the same both times. */
function readSignatureAlgorithm(tbs: Der, outer: Der): SignatureAlgorithm | null {
  const inner = tbs.content(tags.sequence);
  if (Buffer.compare(inner, outer.content(tags.sequence)) !== 0) {
    throw new BuiltinError("inner and outer signature algorithm identifiers don't match");
  }
  return signatureAlgorithmOf(readAlgorithm(new Der(inner)));
}

function readTail(tbs: Der, version: number): readonly Extension[] {
  tbs.optional(contextTag(1, false));
  tbs.optional(contextTag(2, false));
  const sequence = version === 3 ? tbs.optional(contextTag(3, true)) : null;
  return sequence === null ? [] : readExtensionList(sequence.inside(tags.sequence));
}

export function readExtensionList(sequence: Der): readonly Extension[] {
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!sequence.isEmpty) {
    const extension = readExtension(sequence.inside(tags.sequence));
    const id = extension.Id.join(".");
    if (seen.has(id)) throw new BuiltinError(`extension ${id} is there twice`);
    seen.add(id);
    extensions.push(extension);
  }
  return extensions;
}
