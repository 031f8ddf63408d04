/**
 * Signatures, verified as Go does: the algorithm and the kind of key have to agree, whatever the
 * token says. Never throws for a bad signature or a key that cannot be used.
 */
import { constants, createHmac, timingSafeEqual, verify } from "node:crypto";
import { BuiltinError } from "../builtin.ts";
import { curveSize, type PublicKey, toKeyObject } from "./public-key.ts";

export type Hash = "sha1" | "sha256" | "sha384" | "sha512";

/** Salts of PSS are as long as the hash, or of any length. */
export type Padding = "pkcs1" | "pss" | "pss-any-salt";

interface Signed {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

const minModulus = 1n << 1023n;

/** What Go refuses to verify and to sign with: short keys, and numbers that are no RSA key. */
export function isUsableRsa(modulus: bigint, exponent: bigint): boolean {
  const isOdd = modulus % 2n === 1n && exponent % 2n === 1n;
  return modulus >= minModulus && isOdd && exponent > 1n && exponent < 1n << 31n;
}

export function verifyRsa(key: PublicKey, hash: Hash, padding: Padding, signed: Signed): boolean {
  if (key.kind !== "rsa" || !isUsableRsa(key.modulus, key.exponent)) return false;
  const options =
    padding === "pkcs1"
      ? { padding: constants.RSA_PKCS1_PADDING }
      : {
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength:
            padding === "pss" ? constants.RSA_PSS_SALTLEN_DIGEST : constants.RSA_PSS_SALTLEN_AUTO,
        };
  return attempt(() =>
    verify(hash, signed.data, { key: toKeyObject(key), ...options }, signed.signature),
  );
}

/** Both halves of the signature have to be as long as the key's coordinates. */
export function verifyEcdsa(key: PublicKey, hash: Hash, signed: Signed): boolean {
  if (key.kind !== "ec" || signed.signature.length !== 2 * curveSize(key.curve)) return false;
  return attempt(() =>
    verify(
      hash,
      signed.data,
      { key: toKeyObject(key), dsaEncoding: "ieee-p1363" },
      signed.signature,
    ),
  );
}

/** The signature as certificates have it: two integers in a sequence. */
export function verifyEcdsaDer(key: PublicKey, hash: Hash, signed: Signed): boolean {
  if (key.kind !== "ec") return false;
  return attempt(() => verify(hash, signed.data, toKeyObject(key), signed.signature));
}

export function verifyEd25519(key: PublicKey, signed: Signed): boolean {
  if (key.kind !== "ed25519") return false;
  return attempt(() => verify(null, signed.data, toKeyObject(key), signed.signature));
}

/** How long it takes does not depend on where the first wrong byte is. */
export function verifyHmac(secret: Uint8Array, hash: Hash, signed: Signed): boolean {
  const expected = createHmac(hash, secret).update(signed.data).digest();
  return expected.length === signed.signature.length && timingSafeEqual(expected, signed.signature);
}

/** OpenSSL throws for some keys (too large, even numbers) instead of saying that it is no match. */
function attempt(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    if (error instanceof BuiltinError || (error instanceof Error && "code" in error)) return false;
    throw error;
  }
}
