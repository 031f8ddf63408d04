/** Certificates for the differential tests, put together by hand so that any part can be odd. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

type Bytes = Uint8Array;

export function tlv(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) size.unshift(rest & 0xff);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | size.length, ...size];
  return Buffer.concat([Uint8Array.from(head), content]);
}

export function seq(...contents: readonly Bytes[]): Bytes {
  return tlv(0x30, ...contents);
}

export function text(tag: number, value: string): Bytes {
  return tlv(tag, Buffer.from(value, "latin1"));
}

export function integer(value: bigint): Bytes {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length += 1;
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, "0");
  return tlv(0x02, Buffer.from(hex, "hex"));
}

export function oid(id: string): Bytes {
  const [first = 0, second = 0, ...rest] = id.split(".").map(Number);
  const bytes = [40 * first + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    return groups;
  });
  return tlv(0x06, Uint8Array.from(bytes));
}

export function bits(bytes: Bytes, unused = 0): Bytes {
  return tlv(0x03, Uint8Array.of(unused), bytes);
}

export function bool(value: boolean): Bytes {
  return tlv(0x01, Uint8Array.of(value ? 0xff : 0));
}

export interface NamePart {
  readonly id: string;
  readonly tag: number;
  readonly value: Bytes;
}

export function name(parts: readonly NamePart[]): Bytes {
  return seq(...parts.map(({ id, tag, value }) => tlv(0x31, seq(oid(id), tlv(tag, value)))));
}

export function commonName(value: string): Bytes {
  return name([{ id: "2.5.4.3", tag: 0x0c, value: Buffer.from(value) }]);
}

export interface ExtensionSpec {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Bytes;
}

export function extension({ id, isCritical, value }: ExtensionSpec): Bytes {
  return seq(oid(id), ...(isCritical ? [bool(true)] : []), tlv(0x04, value));
}

const keys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  p224: generateKeyPairSync("ec", { namedCurve: "secp224r1" }).privateKey,
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  p521: generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey,
  secp256k1: generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey,
  ed25519: generateKeyPairSync("ed25519").privateKey,
  ed448: generateKeyPairSync("ed448").privateKey,
  x25519: generateKeyPairSync("x25519").privateKey,
} as const;
export type KeyName = keyof typeof keys;
export const keyNames: readonly KeyName[] = [
  "rsa",
  "p224",
  "p256",
  "p384",
  "p521",
  "secp256k1",
  "ed25519",
  "ed448",
  "x25519",
];

export function keyOf(key: KeyName): KeyObject {
  return keys[key];
}

export function publicKeyInfo(key: KeyName): Bytes {
  return createPublicKey(keys[key]).export({ format: "der", type: "spki" });
}

interface Signer {
  readonly algorithm: Bytes;
  readonly sign: (data: Bytes) => Bytes;
}

/** Signatures that each of the keys makes; Ed448 and X25519 sign nothing here. */
export function signerOf(key: KeyName, hash = "sha256"): Signer {
  const secret = keys[key];
  if (key === "ed25519") {
    return { algorithm: seq(oid("1.3.101.112")), sign: (data) => sign(null, data, secret) };
  }
  const sizes: Readonly<Record<string, readonly [rsa: number, ec: string]>> = {
    sha1: [5, "1.2.840.10045.4.1"],
    sha256: [11, "1.2.840.10045.4.3.2"],
    sha384: [12, "1.2.840.10045.4.3.3"],
    sha512: [13, "1.2.840.10045.4.3.4"],
  };
  const [rsa, ec] = sizes[hash] ?? [11, ""];
  const algorithm = key === "rsa" ? seq(oid(`1.2.840.113549.1.1.${rsa}`), tlv(0x05)) : seq(oid(ec));
  const canSign = key !== "ed448" && key !== "x25519";
  return { algorithm, sign: (data) => (canSign ? sign(hash, data, secret) : Buffer.alloc(8)) };
}

export interface Spec {
  readonly key: KeyName;
  readonly signer: KeyName;
  readonly hash?: string;
  readonly subject: Bytes;
  readonly issuer: Bytes;
  readonly serial?: bigint;
  readonly version?: number;
  readonly notBefore?: Bytes;
  readonly notAfter?: Bytes;
  readonly extensions?: readonly ExtensionSpec[];
}

export function buildCertificate(spec: Spec): Bytes {
  const { algorithm, sign: make } = signerOf(spec.signer, spec.hash);
  const version = spec.version ?? 2;
  const extensions = spec.extensions ?? [];
  const info = seq(
    ...(version === 0 ? [] : [tlv(0xa0, integer(BigInt(version)))]),
    integer(spec.serial ?? 1n),
    algorithm,
    spec.issuer,
    seq(
      spec.notBefore ?? text(0x17, "200101000000Z"),
      spec.notAfter ?? text(0x17, "491231235959Z"),
    ),
    spec.subject,
    publicKeyInfo(spec.key),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, seq(...extensions.map(extension)))]),
  );
  return seq(info, algorithm, bits(make(info)));
}

export interface RequestSpec {
  readonly key: KeyName;
  readonly subject: Bytes;
  /** Whole attributes. */
  readonly attributes: readonly Bytes[];
}

export function buildRequest({ key, subject, attributes }: RequestSpec): Bytes {
  const { algorithm, sign: make } = signerOf(key);
  const info = seq(integer(0n), subject, publicKeyInfo(key), tlv(0xa0, ...attributes));
  return seq(info, algorithm, bits(make(info)));
}

export function toPem(type: string, der: Bytes): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${type}-----\n${lines.join("\n")}\n-----END ${type}-----\n`;
}
