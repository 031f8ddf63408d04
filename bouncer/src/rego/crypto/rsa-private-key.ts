/** RSA private keys from their numbers: what else Node wants of them is computed, not believed. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { BuiltinError } from "../builtin.ts";
import { printUnsigned } from "./public-key.ts";
import { isUsableRsa } from "./verify.ts";

export interface RsaNumbers {
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly secret: bigint;
  readonly primes: readonly [bigint, bigint];
}

/** The exponents modulo the primes, and the inverse of the second prime modulo the first. */
export interface Precomputed {
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qinv: bigint;
}

/** What OpenSSL works with, and more than anyone uses. */
const maxModulus = 1n << 16_384n;

/** Throws BuiltinError when the numbers do not belong together. */
export function precompute({ modulus, exponent, secret, primes }: RsaNumbers): Precomputed {
  const [p, q] = primes;
  const isKey =
    modulus < maxModulus &&
    secret < maxModulus &&
    p > 1n &&
    q > 1n &&
    p * q === modulus &&
    exponent > 1n &&
    primes.every((prime) => (secret * exponent) % (prime - 1n) === 1n);
  const qinv = isKey ? invert(q, p) : null;
  if (qinv === null) throw new BuiltinError("not an RSA private key");
  return { dp: secret % (p - 1n), dq: secret % (q - 1n), qinv };
}

/** null when there is none. */
function invert(value: bigint, modulus: bigint): bigint | null {
  let [previous, current] = [modulus, value % modulus];
  let [before, now] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [before, now] = [now, before - quotient * now];
  }
  return previous === 1n ? (before + modulus) % modulus : null;
}

export function toRsaKeyObject(numbers: RsaNumbers): KeyObject {
  if (!isUsableRsa(numbers.modulus, numbers.exponent)) {
    throw new BuiltinError("not an RSA key to sign with");
  }
  const { dp, dq, qinv } = precompute(numbers);
  const key = {
    kty: "RSA",
    n: printUnsigned(numbers.modulus),
    e: printUnsigned(numbers.exponent),
    d: printUnsigned(numbers.secret),
    p: printUnsigned(numbers.primes[0]),
    q: printUnsigned(numbers.primes[1]),
    dp: printUnsigned(dp),
    dq: printUnsigned(dq),
    qi: printUnsigned(qinv),
  };
  try {
    return createPrivateKey({ format: "jwk", key });
  } catch (error) {
    throw new BuiltinError("not a usable RSA private key", { cause: error });
  }
}
