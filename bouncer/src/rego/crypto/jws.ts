/** Signatures of tokens by the names of RFC 7518 and RFC 8037: nothing else is verified. */
import type { KeyMaterial } from "./jwk.ts";
import type { PublicKey } from "./public-key.ts";
import { type Hash, verifyEcdsa, verifyEd25519, verifyHmac, verifyRsa } from "./verify.ts";

type Family = "HS" | "RS" | "PS" | "ES" | "EdDSA";

interface SigningAlgorithm {
  readonly family: Family;
  readonly hash: Hash;
}

const hashes: Readonly<Record<string, Hash>> = { 256: "sha256", 384: "sha384", 512: "sha512" };

/** undefined for `none`, and for whatever else tokens claim. */
export function algorithmOf(alg: string): SigningAlgorithm | undefined {
  if (alg === "EdDSA" || alg === "Ed25519") return { family: "EdDSA", hash: "sha512" };
  const found = /^(HS|RS|PS|ES)(256|384|512)$/.exec(alg);
  const hash = hashes[found?.[2] ?? ""];
  const family = found?.[1];
  return hash !== undefined && isFamily(family) ? { family, hash } : undefined;
}

function isFamily(name: string | undefined): name is Family {
  return name === "HS" || name === "RS" || name === "PS" || name === "ES";
}

export interface Signed {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * A secret is a key for HMAC only, and a public key never is one: else anyone could sign with what
 * everybody knows.
 */
export function verifyJws(material: KeyMaterial | null, alg: string, signed: Signed): boolean {
  const algorithm = algorithmOf(alg);
  if (algorithm === undefined || material === null) return false;
  if (material.kind === "secret") {
    const isHmac = algorithm.family === "HS" && material.bytes.length > 0;
    return isHmac && verifyHmac(material.bytes, algorithm.hash, signed);
  }
  return verifyPublic(material.key, algorithm, signed);
}

function verifyPublic(key: PublicKey, { family, hash }: SigningAlgorithm, signed: Signed): boolean {
  switch (family) {
    case "RS":
      return verifyRsa(key, hash, "pkcs1", signed);
    case "PS":
      return verifyRsa(key, hash, "pss", signed);
    case "ES":
      return verifyEcdsa(key, hash, signed);
    case "EdDSA":
      return verifyEd25519(key, signed);
    case "HS":
  }
  return false;
}
