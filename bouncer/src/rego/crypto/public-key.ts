/**
 * Public keys from where they are found (SubjectPublicKeyInfo, JWK) to what Node verifies with. Only
 * what Go knows: RSA, the NIST curves, Ed25519, X25519, and DSA, which nothing is verified with.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { BuiltinError } from "../builtin.ts";
import { Der, fromUnsigned, tags, toUnsigned } from "./der.ts";

export type CurveName = "P-224" | "P-256" | "P-384" | "P-521";

export type PublicKey =
  | { readonly kind: "rsa"; readonly modulus: bigint; readonly exponent: bigint }
  | { readonly kind: "ec"; readonly curve: CurveName; readonly x: bigint; readonly y: bigint }
  | { readonly kind: "ed25519" | "x25519"; readonly bytes: Uint8Array }
  | {
      readonly kind: "dsa";
      readonly p: bigint;
      readonly q: bigint;
      readonly g: bigint;
      readonly y: bigint;
    };

export interface Algorithm {
  /** With dots. */
  readonly oid: string;
  /** The value after the identifier, with tag and length; empty when there is none. */
  readonly parameters: Uint8Array;
}

export const oids = {
  rsa: "1.2.840.113549.1.1.1",
  dsa: "1.2.840.10040.4.1",
  ec: "1.2.840.10045.2.1",
  x25519: "1.3.101.110",
  ed25519: "1.3.101.112",
} as const;

const curves = {
  "P-224": {
    oid: "1.3.132.0.33",
    size: 28,
    head: "304e301006072a8648ce3d020106052b81040021033a0004",
  },
  "P-256": { oid: "1.2.840.10045.3.1.7", size: 32, head: null },
  "P-384": { oid: "1.3.132.0.34", size: 48, head: null },
  "P-521": { oid: "1.3.132.0.35", size: 66, head: null },
} as const;

const curveNames: readonly CurveName[] = ["P-224", "P-256", "P-384", "P-521"];

/** Bytes of a coordinate, and of each half of a signature. */
export function curveSize(curve: CurveName): number {
  return curves[curve].size;
}

export function curveOf(oid: string): CurveName | undefined {
  return curveNames.find((name) => curves[name].oid === oid);
}

export function isCurve(name: string): name is CurveName {
  return name in curves;
}

export function readAlgorithm(der: Der): Algorithm {
  const oid = der.oid().join(".");
  return { oid, parameters: der.isEmpty ? new Uint8Array() : der.any().raw };
}

export interface PublicKeyInfo {
  readonly algorithm: Algorithm;
  readonly bits: Uint8Array;
}

/** A SubjectPublicKeyInfo with tag and length (RFC 5280, 4.1.2.7). */
export function readPublicKeyInfo(raw: Uint8Array): PublicKeyInfo {
  const info = new Der(raw).inside(tags.sequence);
  const algorithm = readAlgorithm(info.inside(tags.sequence));
  return { algorithm, bits: alignRight(info.bitString()) };
}

/** Bit strings that are no whole bytes begin with the zeros. */
export function alignRight(bits: {
  readonly bytes: Uint8Array;
  readonly unusedBits: number;
}): Uint8Array {
  const { bytes, unusedBits } = bits;
  if (unusedBits === 0) return bytes;
  return bytes.map((byte, at) => (byte >> unusedBits) | ((bytes[at - 1] ?? 0) << (8 - unusedBits)));
}

/** What PEM calls a PUBLIC KEY. */
export function readPublicKey(der: Uint8Array): PublicKey {
  const reader = new Der(der);
  const raw = reader.element(tags.sequence).raw;
  if (!reader.isEmpty) throw new BuiltinError("there is something after the public key");
  return toPublicKey(readPublicKeyInfo(raw));
}

export function toPublicKey({ algorithm, bits }: PublicKeyInfo): PublicKey {
  switch (algorithm.oid) {
    case oids.rsa:
      return toRsa(algorithm, bits);
    case oids.ec:
      return toPoint(algorithm, bits);
    case oids.ed25519:
    case oids.x25519:
      return toEdwards(algorithm, bits);
    case oids.dsa:
      return toDsa(algorithm, bits);
    default:
      throw new BuiltinError("unknown public key algorithm");
  }
}

function toRsa({ parameters }: Algorithm, bits: Uint8Array): PublicKey {
  if (parameters.length !== 2 || parameters[0] !== tags.null || parameters[1] !== 0) {
    throw new BuiltinError("parameters of an RSA key must be NULL");
  }
  const key = new Der(bits).inside(tags.sequence);
  const [modulus, exponent] = [key.integer(), key.integer()];
  if (modulus <= 0n || exponent <= 0n || exponent >= 1n << 63n) {
    throw new BuiltinError("not an RSA public key");
  }
  return { kind: "rsa", modulus, exponent };
}

function toPoint({ parameters }: Algorithm, bits: Uint8Array): PublicKey {
  const curve = curveOf(new Der(parameters).oid().join("."));
  if (curve === undefined) throw new BuiltinError("unsupported elliptic curve");
  return readPoint(curve, bits);
}

/** An uncompressed point (SEC 1, 2.3.3) that is on the curve. */
export function readPoint(curve: CurveName, bytes: Uint8Array): PublicKey {
  const { size } = curves[curve];
  if (bytes.length !== 1 + 2 * size || bytes[0] !== 4) throw new BuiltinError("not a point");
  const [x, y] = [toUnsigned(bytes.subarray(1, 1 + size)), toUnsigned(bytes.subarray(1 + size))];
  const key: PublicKey = { kind: "ec", curve, x, y };
  toKeyObject(key);
  return key;
}

function toEdwards({ oid, parameters }: Algorithm, bits: Uint8Array): PublicKey {
  if (parameters.length > 0 || bits.length !== 32) {
    throw new BuiltinError("not a public key of Curve25519");
  }
  return { kind: oid === oids.ed25519 ? "ed25519" : "x25519", bytes: bits };
}

function toDsa({ parameters }: Algorithm, bits: Uint8Array): PublicKey {
  const y = new Der(bits).integer();
  const domain = new Der(parameters).inside(tags.sequence);
  const [p, q, g] = [domain.integer(), domain.integer(), domain.integer()];
  if ([y, p, q, g].some((number) => number <= 0n)) throw new BuiltinError("not a DSA public key");
  return { kind: "dsa", p, q, g, y };
}

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** Without zeros before it. */
export function printUnsigned(value: bigint): string {
  return toBase64Url(fromUnsigned(value, Math.ceil(value.toString(16).length / 2)));
}

const made = new WeakMap<PublicKey, KeyObject>();

/** Throws BuiltinError for a point that is not on its curve, and for what Node cannot verify with. */
export function toKeyObject(key: PublicKey): KeyObject {
  const known = made.get(key);
  if (known !== undefined) return known;
  try {
    const created = create(key);
    made.set(key, created);
    return created;
  } catch (error) {
    throw new BuiltinError("not a usable public key", { cause: error });
  }
}

function create(key: PublicKey): KeyObject {
  if (key.kind === "ec") return createPoint(key.curve, key.x, key.y);
  if (key.kind === "rsa") {
    const [n, e] = [printUnsigned(key.modulus), printUnsigned(key.exponent)];
    return createPublicKey({ format: "jwk", key: { kty: "RSA", n, e } });
  }
  if (key.kind !== "ed25519") throw new BuiltinError(`nothing is verified with ${key.kind}`);
  const x = toBase64Url(key.bytes);
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
}

function createPoint(curve: CurveName, x: bigint, y: bigint): KeyObject {
  const { size, head } = curves[curve];
  const [left, right] = [fromUnsigned(x, size), fromUnsigned(y, size)];
  if (head === null) {
    const point = { x: toBase64Url(left), y: toBase64Url(right) };
    return createPublicKey({ format: "jwk", key: { kty: "EC", crv: curve, ...point } });
  }
  // JWK has no name for this curve.
  const key = Buffer.concat([Buffer.from(head, "hex"), left, right]);
  return createPublicKey({ format: "der", type: "spki", key });
}
