/**
 * JSON Web Keys (RFC 7517), read as OPA's library reads them: one key that is not understood, and
 * the whole set is refused.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { BuiltinError } from "../builtin.ts";
import { parseJson } from "../term.ts";
import { isArray, RegoObject, type Value } from "../value.ts";
import { decodeBase64, decodeJwkBase64 } from "./base64.ts";
import { readCertificate } from "./certificate.ts";
import { fromUnsigned, toUnsigned } from "./der.ts";
import { curveSize, isCurve, type PublicKey, toBase64Url, toKeyObject } from "./public-key.ts";
import { type RsaNumbers, toRsaKeyObject } from "./rsa-private-key.ts";

export type KeyMaterial =
  | { readonly kind: "secret"; readonly bytes: Uint8Array }
  | { readonly kind: "public"; readonly key: PublicKey }
  | { readonly kind: "private"; readonly key: PublicKey; readonly sign: () => KeyObject };

export interface Jwk {
  /** Empty when the key does not say. */
  readonly alg: string;
  readonly kid: string;
  readonly material: KeyMaterial;
}

const maxKeys = 1000;

/** A key, or a set of them; throws BuiltinError. */
export function readJwks(text: string): readonly Jwk[] {
  const document = parseDocument(text);
  const keys = document.get("keys");
  if (keys === undefined) return [readJwk(document)];
  if (!isArray(keys) || keys.length > maxKeys) throw new BuiltinError("not a set of keys");
  return keys.map((key) => {
    if (!(key instanceof RegoObject)) throw new BuiltinError("a key has to be an object");
    return readJwk(key);
  });
}

function parseDocument(text: string): RegoObject {
  try {
    const document = parseJson(text);
    if (document instanceof RegoObject) return document;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BuiltinError("neither a PEM certificate or public key nor a JSON Web Key");
}

function readJwk(key: RegoObject): Jwk {
  checkMetadata(key);
  return { alg: readAlg(key), kid: readText(key, "kid"), material: readMaterial(key) };
}

const readers: Readonly<Record<string, (key: RegoObject) => KeyMaterial>> = {
  oct: (key) => ({ kind: "secret", bytes: readBytes(key, "k") }),
  RSA: readRsa,
  EC: readEc,
  OKP: readOkp,
};

function readMaterial(key: RegoObject): KeyMaterial {
  const type = readText(key, "kty");
  const read = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (read === undefined) throw new BuiltinError("unknown type of key");
  return read(key);
}

/** null counts as empty, as in Go. */
function readText(key: RegoObject, name: string): string {
  const value = key.get(name) ?? "";
  if (typeof value !== "string") throw new BuiltinError(`${name} of a key must be string`);
  return value;
}

function readBytes(key: RegoObject, name: string): Buffer {
  const bytes = decodeJwkBase64(readText(key, name));
  if (bytes.length === 0) throw new BuiltinError(`${name} of a key is missing`);
  return bytes;
}

function checkMetadata(key: RegoObject): void {
  for (const name of ["use", "x5t", "x5t#S256", "x5u"]) readText(key, name);
  const operations = key.get("key_ops") ?? [];
  const areTexts = isArray(operations) && operations.every(isTextOrNull);
  if (!areTexts) throw new BuiltinError("key_ops of a key must be an array of strings");
  const chain = key.get("x5c");
  if (chain !== undefined) checkChain(chain);
}

function isTextOrNull(value: Value): boolean {
  return value === null || typeof value === "string";
}

function checkChain(chain: Value): void {
  if (!isArray(chain)) throw new BuiltinError("x5c of a key must be array");
  for (const certificate of chain) {
    if (typeof certificate !== "string") throw new BuiltinError("x5c must be of strings");
    readCertificate(decodeBase64(certificate.replaceAll(/[ \t\r\n]/g, "")));
  }
}

/** What may stand in `alg` (RFC 7518, 3.1, 4.1 and 5.1; RFC 8037; RFC 9864). */
const algorithms: ReadonlySet<string> = new Set(
  (
    "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K EdDSA Ed25519 none " +
    "RSA1_5 RSA-OAEP RSA-OAEP-256 RSA-OAEP-384 RSA-OAEP-512 A128KW A192KW A256KW dir " +
    "ECDH-ES ECDH-ES+A128KW ECDH-ES+A192KW ECDH-ES+A256KW A128GCMKW A192GCMKW A256GCMKW " +
    "PBES2-HS256+A128KW PBES2-HS384+A192KW PBES2-HS512+A256KW " +
    "A128CBC-HS256 A192CBC-HS384 A256CBC-HS512 A128GCM A192GCM A256GCM"
  ).split(" "),
);

function readAlg(key: RegoObject): string {
  const alg = key.get("alg");
  if (alg === undefined) return "";
  if (typeof alg === "string" && algorithms.has(alg)) return alg;
  throw new BuiltinError("alg of a key is unknown");
}

function readRsa(key: RegoObject): KeyMaterial {
  const [modulus, exponent] = [toUnsigned(readBytes(key, "n")), toUnsigned(readBytes(key, "e"))];
  if (modulus === 0n || exponent % 2n === 0n || exponent >= 1n << 63n) {
    throw new BuiltinError("not an RSA key");
  }
  const publicKey: PublicKey = { kind: "rsa", modulus, exponent };
  if (!key.has("d")) return { kind: "public", key: publicKey };
  const numbers: RsaNumbers = {
    modulus,
    exponent,
    secret: toUnsigned(readBytes(key, "d")),
    primes: [toUnsigned(readBytes(key, "p")), toUnsigned(readBytes(key, "q"))],
  };
  return { kind: "private", key: publicKey, sign: () => toRsaKeyObject(numbers) };
}

function readEc(key: RegoObject): KeyMaterial {
  const curve = readText(key, "crv");
  if (!isCurve(curve) || curve === "P-224") throw new BuiltinError("unknown curve");
  const size = curveSize(curve);
  const [x, y] = [toUnsigned(readBytes(key, "x")), toUnsigned(readBytes(key, "y"))];
  const limit = 1n << BigInt(8 * size);
  if (x >= limit || y >= limit) throw new BuiltinError("not a point on the curve");
  const publicKey: PublicKey = { kind: "ec", curve, x, y };
  toKeyObject(publicKey);
  if (!key.has("d")) return { kind: "public", key: publicKey };
  const secret = toUnsigned(readBytes(key, "d"));
  const sign = (): KeyObject => {
    if (secret >= limit) throw new BuiltinError("not a private key of the curve");
    const [left, right, d] = [x, y, secret].map((value) => toBase64Url(fromUnsigned(value, size)));
    return importPrivate({ kty: "EC", crv: curve, x: left, y: right, d });
  };
  return { kind: "private", key: publicKey, sign };
}

function importPrivate(key: Readonly<Record<string, string | undefined>>): KeyObject {
  try {
    return createPrivateKey({ format: "jwk", key });
  } catch (error) {
    throw new BuiltinError("not a usable private key", { cause: error });
  }
}

function readOkp(key: RegoObject): KeyMaterial {
  const crv = readText(key, "crv");
  const bytes = readBytes(key, "x");
  if ((crv !== "Ed25519" && crv !== "X25519") || bytes.length !== 32) {
    throw new BuiltinError("not a key of Curve25519");
  }
  const kind = crv === "Ed25519" ? "ed25519" : "x25519";
  const publicKey: PublicKey = { kind, bytes };
  if (!key.has("d")) return { kind: "public", key: publicKey };
  const d = readBytes(key, "d");
  if (d.length !== 32) throw new BuiltinError("not a private key of Curve25519");
  const x = toBase64Url(bytes);
  const secret = importPrivate({ kty: "OKP", crv, x, d: toBase64Url(d) });
  const derived = createPublicKey(secret).export({ format: "jwk" }).x;
  if (kind === "ed25519" && derived !== x) throw new BuiltinError("the halves do not match");
  return { kind: "private", key: publicKey, sign: () => secret };
}
