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
import * as v from "valibot";
import { AppError } from "../errors.ts";
import type { Files } from "./archive.ts";
import { parseGlob } from "./glob.ts";
import { readJson } from "./json.ts";
import type { SignatureAlgorithm, VerificationKey } from "./keys.ts";
import { printTree } from "./tree.ts";

export interface Verification {
  /** None: a bundle must not be signed. Else it must be, with one of them. */
  readonly keys: readonly VerificationKey[];
  /** Patterns of files that need not be signed, and may differ when they are. */
  readonly excludeFiles: readonly string[];
}

export const signaturesFile = ".signatures.json";

const signaturesSchema = v.strictObject({
  signatures: v.strictTuple([v.string()]),
  // Others than OPA's own mean that something else than the keys below is to be asked.
  plugin: v.optional(v.picklist(["", "_default"])),
});
const headerSchema = v.object({ kid: v.optional(v.string(), "") });
/** Deprecated by OPA, and what `opa sign` writes all the same. */
const namedSchema = v.object({ keyid: v.optional(v.string(), "") });
const payloadSchema = v.object({
  files: v.array(
    v.object({
      name: v.string(),
      hash: v.pipe(v.string(), v.regex(/^[0-9a-f]+$/i)),
      algorithm: v.string(),
    }),
  ),
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
 * Throws unless every file, and no other, is what the holder of a key signed. Without a key, a
 * bundle must not be signed, as in OPA: whoever signs expects that it is looked at.
 */
export function verifySignature(files: Files, { keys, excludeFiles }: Verification): void {
  const text = findSignatures(files);
  if (keys.length === 0) {
    if (text === undefined) return;
    throw refuse("it is signed, and POLICY_VERIFICATION_KEY is not set");
  }
  if (text === undefined) throw refuse("it is not signed");
  const { signatures } = readPart(signaturesSchema, text, signaturesFile);
  const [header = "", payload = "", signature = "", ...rest] = signatures[0].split(".");
  if (rest.length > 0) throw refuse("its signature is not a compact JWT");
  const claims = decodePart(payload, "JWT payload");
  const key = chooseKey(keys, readKeyId(decodePart(header, "JWT header"), claims));
  if (!isGenuine(`${header}.${payload}`, decodePart(signature, "JWT signature"), key)) {
    throw refuse(`its ${key.algorithm} signature is not of the configured key`);
  }
  const { files: signed, scope } = readPart(payloadSchema, claims, "JWT payload");
  const accepted = key.scope ?? "";
  if (scope !== accepted) {
    throw refuse(`its signature has scope "${scope}", accepted is "${accepted}"`);
  }
  compareFiles(files, signed, excludeFiles);
}

function isSignatures(path: string): boolean {
  return path === signaturesFile || path.endsWith(`/${signaturesFile}`);
}

function findSignatures(files: Files): Uint8Array | undefined {
  const [first, second] = [...files].filter(([path]) => isSignatures(path));
  if (second !== undefined) throw refuse(`it has "${first?.[0]}" and "${second[0]}"`);
  return first?.[1];
}

/** Node reads base64url in more ways than one; here, each text has to be the only one for its bytes. */
function decodePart(text: string, name: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw refuse(`its ${name} is not base64url`);
  return bytes;
}

function readKeyId(header: Uint8Array, claims: Uint8Array): string {
  const { kid } = readPart(headerSchema, header, "JWT header");
  return kid === "" ? readPart(namedSchema, claims, "JWT payload").keyid : kid;
}

function chooseKey(keys: readonly VerificationKey[], named: string): VerificationKey {
  const key = keys.find(({ keyId }) => keyId === named) ?? keys.find(({ keyId }) => keyId === null);
  if (key !== undefined) return key;
  const accepted = keys.map(({ keyId }) => `"${keyId}"`).join(", ");
  throw refuse(`its signature names key "${named}", accepted is ${accepted}`);
}

function readPart<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  name: string,
): v.InferOutput<S> {
  const text = Buffer.from(bytes).toString();
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (!result.success) throw refuse(`${name} is not of the known form`);
  return result.output;
}

function isGenuine(signed: string, signature: Uint8Array, key: VerificationKey): boolean {
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

/** PEM of a public key, a certificate or a private key, from which the public one follows. */
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

function compareFiles(
  files: Files,
  signed: readonly SignedFile[],
  excludeFiles: readonly string[],
): void {
  const globs = excludeFiles.flatMap((text) => parseGlob(text) ?? []);
  const isExcluded = (path: string): boolean => globs.some((matches) => matches(path));
  const left = new Set([...files.keys()].filter((path) => !isSignatures(path)));
  for (const file of signed) {
    const path = file.name.replace(/^\/+/, "");
    const bytes = files.get(path);
    if (bytes === undefined || !left.delete(path)) {
      throw refuse(`"${file.name}" is signed, but not in it once`);
    }
    if (!isExcluded(path)) compareFile(path, bytes, file);
  }
  const foreign = [...left].filter((path) => !isExcluded(path));
  if (foreign.length > 0) throw refuse(`"${foreign.join('", "')}" is not signed`);
}

function compareFile(path: string, bytes: Uint8Array, { name, hash, algorithm }: SignedFile): void {
  const nodeHash = hashes.get(algorithm);
  if (nodeHash === undefined) throw refuse(`"${name}" is hashed with ${algorithm}`);
  const digest = createHash(nodeHash).update(canonical(path, bytes)).digest("hex");
  if (digest !== hash.toLowerCase()) throw refuse(`"${name}" is not what was signed`);
}

/** Structured files are signed by content, so that they may be written in another way. */
function canonical(path: string, bytes: Uint8Array): Uint8Array | string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  if (file === "data.yaml" || file === "data.yml") {
    throw refuse(`"${path}" is YAML; \`opa build\` turns it into data.json`);
  }
  if (file !== "data.json" && file !== ".manifest") return bytes;
  try {
    return printTree(readJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (error) {
    throw refuse(`"${path}" is not JSON`, error);
  }
}
