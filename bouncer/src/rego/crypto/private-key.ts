/** Private keys out of PKCS #1, PKCS #8 and SEC 1, as Go parses them and prints them as JSON. */
import { createECDH, createPrivateKey, createPublicKey } from "node:crypto";
import { BuiltinError } from "../builtin.ts";
import { toBase64 } from "./certificate-json.ts";
import { contextTag, Der, fromUnsigned, tags, toUnsigned } from "./der.ts";
import type { Json } from "./go-json.ts";
import {
  type CurveName,
  curveOf,
  curveSize,
  oids,
  printUnsigned,
  type PublicKey,
  readAlgorithm,
  readPoint,
  toBase64Url,
} from "./public-key.ts";
import { type Precomputed, precompute, type RsaNumbers } from "./rsa-private-key.ts";

export type PrivateKey =
  | ({ readonly kind: "rsa" } & RsaNumbers & Precomputed)
  | {
      readonly kind: "ec";
      readonly curve: CurveName;
      readonly secret: bigint;
      readonly x: bigint;
      readonly y: bigint;
    }
  | {
      readonly kind: "ed25519" | "x25519";
      readonly seed: Uint8Array;
      readonly bytes: Uint8Array;
    };

export function readPkcs1(der: Uint8Array): PrivateKey {
  const reader = new Der(der);
  const key = reader.inside(tags.sequence);
  // Version 1 has more than two primes, which nobody uses.
  if (!reader.isEmpty || key.integer() !== 0n) throw new BuiltinError("not a PKCS #1 private key");
  const [modulus, exponent, secret] = [key.integer(), key.integer(), key.integer()];
  const numbers: RsaNumbers = {
    modulus,
    exponent,
    secret,
    primes: [key.integer(), key.integer()],
  };
  return { kind: "rsa", ...numbers, ...precompute(numbers) };
}

export function readPkcs8(der: Uint8Array): PrivateKey {
  const info = new Der(der).inside(tags.sequence);
  info.integer();
  const { oid, parameters } = readAlgorithm(info.inside(tags.sequence));
  const key = info.content(tags.octetString);
  if (oid === oids.rsa) return readPkcs1(key);
  if (oid === oids.ec) return readEc(key, new Der(parameters).oid().join("."));
  if (oid === oids.ed25519 || oid === oids.x25519) {
    if (parameters.length > 0) throw new BuiltinError("a key of Curve25519 has no parameters");
    const kind = oid === oids.ed25519 ? "ed25519" : "x25519";
    return readSeed(kind, new Der(key).content(tags.octetString), der);
  }
  throw new BuiltinError("PKCS #8 wrapping of an unknown algorithm");
}

function readSeed(kind: "ed25519" | "x25519", seed: Uint8Array, pkcs8: Uint8Array): PrivateKey {
  if (seed.length !== 32) throw new BuiltinError("not a private key of Curve25519");
  try {
    const key = createPrivateKey({ format: "der", type: "pkcs8", key: Buffer.from(pkcs8) });
    const { x = "" } = createPublicKey(key).export({ format: "jwk" });
    return { kind, seed, bytes: Buffer.from(x, "base64url") };
  } catch (error) {
    throw new BuiltinError("not a private key of Curve25519", { cause: error });
  }
}

// By OpenSSL's names.
const groups = {
  "P-224": "secp224r1",
  "P-256": "prime256v1",
  "P-384": "secp384r1",
  "P-521": "secp521r1",
} as const;

/** The curve stands in the key itself, or in the PKCS #8 around it. */
export function readEc(der: Uint8Array, curveOid?: string): PrivateKey {
  const reader = new Der(der);
  const key = reader.inside(tags.sequence);
  if (!reader.isEmpty || key.integer() !== 1n) throw new BuiltinError("not an EC private key");
  const secret = toUnsigned(key.content(tags.octetString));
  const named = key.optional(contextTag(0, true))?.oid().join(".");
  const curve = curveOf(curveOid ?? named ?? "");
  if (curve === undefined) throw new BuiltinError("unknown elliptic curve");
  const point = readPoint(curve, multiplyBase(curve, secret));
  if (point.kind !== "ec") throw new BuiltinError("not a point");
  return { kind: "ec", curve, secret, x: point.x, y: point.y };
}

function multiplyBase(curve: CurveName, secret: bigint): Uint8Array {
  const size = curveSize(curve);
  if (secret >= 1n << BigInt(8 * size))
    throw new BuiltinError("invalid elliptic curve private key");
  try {
    const ecdh = createECDH(groups[curve]);
    ecdh.setPrivateKey(fromUnsigned(secret, size));
    return ecdh.getPublicKey();
  } catch (error) {
    throw new BuiltinError("invalid elliptic curve private key", { cause: error });
  }
}

export function publicHalf(key: PrivateKey): PublicKey {
  if (key.kind === "rsa") return { kind: "rsa", modulus: key.modulus, exponent: key.exponent };
  if (key.kind === "ec") return { kind: "ec", curve: key.curve, x: key.x, y: key.y };
  return { kind: key.kind, bytes: key.bytes };
}

export function describePrivateKey(key: PrivateKey): Json {
  switch (key.kind) {
    case "rsa":
      return {
        N: key.modulus,
        E: key.exponent,
        D: key.secret,
        Primes: key.primes,
        Precomputed: { Dp: key.dp, Dq: key.dq, Qinv: key.qinv, CRTValues: [] },
      };
    case "ec":
      return { Curve: {}, D: key.secret, X: key.x, Y: key.y };
    case "ed25519":
      return toBase64(Buffer.concat([key.seed, key.bytes]));
    case "x25519":
  }
  return {};
}

/** As JSON Web Key (RFC 7518, 6; RFC 8037, 2). */
export function toPrivateJwk(key: PrivateKey): Json {
  if (key.kind === "rsa") {
    const [p, q] = key.primes;
    return {
      kty: "RSA",
      n: printUnsigned(key.modulus),
      e: printUnsigned(key.exponent),
      d: printUnsigned(key.secret),
      p: printUnsigned(p),
      q: printUnsigned(q),
      dp: printUnsigned(key.dp),
      dq: printUnsigned(key.dq),
      qi: printUnsigned(key.qinv),
    };
  }
  if (key.kind === "ec") {
    if (key.curve === "P-224") throw new BuiltinError("JWK has no name for the curve");
    const size = curveSize(key.curve);
    const print = (value: bigint): string => toBase64Url(fromUnsigned(value, size));
    return {
      kty: "EC",
      crv: key.curve,
      d: print(key.secret),
      x: print(key.x),
      y: print(key.y),
    };
  }
  const crv = key.kind === "ed25519" ? "Ed25519" : "X25519";
  return { kty: "OKP", crv, d: toBase64Url(key.seed), x: toBase64Url(key.bytes) };
}
