/**
 * `.signatures.json` of a bundle: one JWT that lists the hash of every file. The key, its algorithm
 * and the scope come from the configuration; what the token's header says is not believed.
 */
import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { isLosslessNumber, parse } from "lossless-json";
import * as v from "valibot";
import type { SignatureAlgorithm } from "../config/table.ts";
import { AppError } from "../errors.ts";
import type { Files } from "./archive.ts";

export interface VerificationKey {
  /** PEM (RS, PS, ES) or the shared secret (HS). */
  readonly key: string;
  readonly algorithm: SignatureAlgorithm;
  /** The signature must name it; null: any. */
  readonly keyId: string | null;
  /** The signature must have it; null: it must have none. */
  readonly scope: string | null;
}

const signaturesFile = ".signatures.json";

const signaturesSchema = v.object({ signatures: v.strictTuple([v.string()]) });
const headerSchema = v.object({ kid: v.optional(v.string()) });
const payloadSchema = v.object({
  files: v.array(
    v.object({
      name: v.string(),
      hash: v.pipe(v.string(), v.regex(/^[0-9a-f]+$/i)),
      algorithm: v.optional(v.string(), "SHA-256"),
    }),
  ),
  keyid: v.optional(v.string()),
  scope: v.optional(v.string(), ""),
});

/** Node's names of the hashes that are accepted; MD5 and SHA-1 are not. */
const hashes: ReadonlyMap<string, string> = new Map([
  ["SHA-224", "sha224"],
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
  ["SHA-512-224", "sha512-224"],
  ["SHA-512-256", "sha512-256"],
]);

const curves: Readonly<Record<string, string>> = {
  ES256: "prime256v1",
  ES384: "secp384r1",
  ES512: "secp521r1",
};

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_signature", `Cannot accept bundle: ${reason}`, { cause });
}

/**
 * Throws unless every file, and no other, is what the holder of the key signed. Without a key, a
 * bundle must not be signed, as in OPA: whoever signs expects that it is looked at.
 */
export function verifySignature(files: Files, key: VerificationKey | null): void {
  const text = files.get(signaturesFile);
  if (key === null) {
    if (text === undefined) return;
    throw refuse("it is signed, and POLICY_VERIFICATION_KEY is not set");
  }
  if (text === undefined) throw refuse("it is not signed");
  const { signatures } = readJson(signaturesSchema, text, signaturesFile);
  const [header = "", payload = "", signature = "", ...rest] = signatures[0].split(".");
  if (rest.length > 0) throw refuse("its signature is not a compact JWT");
  if (!isGenuine(`${header}.${payload}`, Buffer.from(signature, "base64url"), key)) {
    throw refuse(`its ${key.algorithm} signature is not of the configured key`);
  }
  const { kid } = readJson(headerSchema, Buffer.from(header, "base64url"), "JWT header");
  const claims = readJson(payloadSchema, Buffer.from(payload, "base64url"), "JWT payload");
  checkClaims(kid ?? claims.keyid ?? "", claims.scope, key);
  compareFiles(files, claims.files);
}

function checkClaims(keyId: string, scope: string, key: VerificationKey): void {
  if (key.keyId !== null && keyId !== key.keyId) {
    throw refuse(`its signature names key "${keyId}", accepted is "${key.keyId}"`);
  }
  const accepted = key.scope ?? "";
  if (scope !== accepted) {
    throw refuse(`its signature has scope "${scope}", accepted is "${accepted}"`);
  }
}

function readJson<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  name: string,
): v.InferOutput<S> {
  const text = Buffer.from(bytes).toString();
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (!result.success) throw refuse(`${name} is not of the known form`);
  return result.output;
}

function isGenuine(signed: string, signature: Buffer, key: VerificationKey): boolean {
  const hash = `sha${key.algorithm.slice(2)}`;
  if (key.algorithm.startsWith("HS")) {
    const expected = createHmac(hash, key.key).update(signed).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  const options = { key: readPublicKey(key), ...verifyOptions(key.algorithm) };
  return verify(hash, Buffer.from(signed), options, signature);
}

function verifyOptions(algorithm: SignatureAlgorithm): object {
  if (algorithm.startsWith("PS")) {
    return {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
  }
  return algorithm.startsWith("ES")
    ? { dsaEncoding: "ieee-p1363" }
    : { padding: constants.RSA_PKCS1_PADDING };
}

function readPublicKey({ key, algorithm }: VerificationKey): KeyObject {
  let object: KeyObject;
  try {
    object = createPublicKey(key);
  } catch (error) {
    throw refuse("the configured key is not a PEM public key", error);
  }
  const curve = curves[algorithm];
  const fits =
    curve === undefined
      ? object.asymmetricKeyType === "rsa"
      : object.asymmetricKeyDetails?.namedCurve === curve;
  if (!fits) throw refuse(`the configured key cannot be used for ${algorithm}`);
  return object;
}

interface SignedFile {
  readonly name: string;
  readonly hash: string;
  readonly algorithm: string;
}

function compareFiles(files: Files, signed: readonly SignedFile[]): void {
  const left = new Set([...files.keys()].filter((name) => name !== signaturesFile));
  for (const { name, hash, algorithm } of signed) {
    const path = name.replace(/^\/+/, "");
    const bytes = files.get(path);
    if (bytes === undefined || !left.delete(path)) {
      throw refuse(`"${name}" is signed, but not in it once`);
    }
    const nodeHash = hashes.get(algorithm);
    if (nodeHash === undefined) throw refuse(`"${name}" is hashed with ${algorithm}`);
    const digest = createHash(nodeHash).update(canonical(path, bytes)).digest("hex");
    if (digest !== hash.toLowerCase()) throw refuse(`"${name}" is not what was signed`);
  }
  if (left.size > 0) throw refuse(`"${[...left].join('", "')}" is not signed`);
}

/** Structured files are signed by content, so that they may be written in another way. */
function canonical(path: string, bytes: Uint8Array): Uint8Array | string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  if (file !== "data.json" && path !== ".manifest") return bytes;
  try {
    return encodeCanonically(parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw refuse(`"${path}" is not JSON`, error);
  }
}

/** Keys in the order of their UTF-8 bytes, no spaces, numbers as written, strings as Go has them. */
export function encodeCanonically(value: unknown): string {
  if (isLosslessNumber(value)) return value.toString();
  if (Array.isArray(value)) return `[${value.map(encodeCanonically).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .map(([key, member]) => [Buffer.from(key), key, member] as const)
      .toSorted(([one], [other]) => Buffer.compare(one, other))
      .map(([, key, member]) => `${encodeString(key)}:${encodeCanonically(member)}`);
    return `{${members.join(",")}}`;
  }
  return typeof value === "string" ? encodeString(value) : String(value);
}

function encodeString(text: string): string {
  return JSON.stringify(text.toWellFormed())
    .replaceAll("\u2028", String.raw`\u2028`)
    .replaceAll("\u2029", String.raw`\u2029`);
}
