/** How certificates are signed: by the numbers of Go's x509.SignatureAlgorithm. */
import { attempt } from "./attempt.ts";
import { contextTag, Der, tags } from "./der.ts";
import { type Algorithm, type PublicKey, readAlgorithm } from "./public-key.ts";
import { type Hash, type Padding, verifyEcdsaDer, verifyEd25519, verifyRsa } from "./verify.ts";

export interface SignatureAlgorithm {
  readonly number: number;
  /** null when signatures of this kind are not good enough to be verified. */
  readonly verify: ((key: PublicKey, data: Uint8Array, signature: Uint8Array) => boolean) | null;
}

function rsa(number: number, hash: Hash, padding: Padding): SignatureAlgorithm {
  return {
    number,
    verify: (key, data, signature) => verifyRsa(key, hash, padding, { data, signature }),
  };
}

function ecdsa(number: number, hash: Hash): SignatureAlgorithm {
  return {
    number,
    verify: (key, data, signature) => verifyEcdsaDer(key, hash, { data, signature }),
  };
}

function refused(number: number): SignatureAlgorithm {
  return { number, verify: null };
}

const pssOid = "1.2.840.113549.1.1.10";
const ed25519Oid = "1.3.101.112";

const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ["1.2.840.113549.1.1.4", refused(2)],
  ["1.2.840.113549.1.1.5", refused(3)],
  ["1.3.14.3.2.29", refused(3)],
  ["1.2.840.113549.1.1.11", rsa(4, "sha256", "pkcs1")],
  ["1.2.840.113549.1.1.12", rsa(5, "sha384", "pkcs1")],
  ["1.2.840.113549.1.1.13", rsa(6, "sha512", "pkcs1")],
  ["1.2.840.10040.4.3", refused(7)],
  ["2.16.840.1.101.3.4.3.2", refused(8)],
  ["1.2.840.10045.4.1", refused(9)],
  ["1.2.840.10045.4.3.2", ecdsa(10, "sha256")],
  ["1.2.840.10045.4.3.3", ecdsa(11, "sha384")],
  ["1.2.840.10045.4.3.4", ecdsa(12, "sha512")],
]);

const pss: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ["2.16.840.1.101.3.4.2.1 32", rsa(13, "sha256", "pss")],
  ["2.16.840.1.101.3.4.2.2 48", rsa(14, "sha384", "pss")],
  ["2.16.840.1.101.3.4.2.3 64", rsa(15, "sha512", "pss")],
]);

const ed25519: SignatureAlgorithm = {
  number: 16,
  verify: (key, data, signature) => verifyEd25519(key, { data, signature }),
};

/** null for what Go calls unknown. */
export function signatureAlgorithmOf(algorithm: Algorithm): SignatureAlgorithm | null {
  if (algorithm.oid === pssOid) return pssAlgorithmOf(algorithm.parameters);
  if (algorithm.oid === ed25519Oid) return algorithm.parameters.length === 0 ? ed25519 : null;
  return algorithms.get(algorithm.oid) ?? null;
}

/** Only with one hash for all, a salt as long as the hash, and the usual trailer (RFC 4055, 3.1). */
function pssAlgorithmOf(parameters: Uint8Array): SignatureAlgorithm | null {
  return attempt(() => readPss(new Der(parameters).inside(tags.sequence)));
}

function readPss(parameters: Der): SignatureAlgorithm | null {
  const hash = readAlgorithm(parameters.inside(contextTag(0, true)).inside(tags.sequence));
  const mask = readAlgorithm(parameters.inside(contextTag(1, true)).inside(tags.sequence));
  const salt = parameters.inside(contextTag(2, true)).integer();
  const trailer = parameters.optional(contextTag(3, true))?.integer() ?? 1n;
  const maskHash = readAlgorithm(new Der(mask.parameters).inside(tags.sequence));
  const isUsual =
    mask.oid === "1.2.840.113549.1.1.8" &&
    maskHash.oid === hash.oid &&
    [hash, maskHash].every(hasNoParameters) &&
    trailer === 1n;
  return isUsual ? (pss.get(`${hash.oid} ${salt}`) ?? null) : null;
}

function hasNoParameters({ parameters }: Algorithm): boolean {
  return parameters.length === 0 || Buffer.from(parameters).equals(Buffer.from([tags.null, 0]));
}
