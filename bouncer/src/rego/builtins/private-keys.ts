/** `crypto.parse_private_keys`, `crypto.x509.parse_rsa_private_key` and `crypto.x509.parse_keypair`. */
import { BuiltinError, type Builtins } from "../builtin.ts";
import { attempt } from "../crypto/attempt.ts";
import { decodeBase64 } from "../crypto/base64.ts";
import { readCertificate } from "../crypto/certificate.ts";
import { describeCertificate, toBase64 } from "../crypto/certificate-json.ts";
import { decodeSource, pemPrefix } from "../crypto/certificate-source.ts";
import { type Json, toValue } from "../crypto/go-json.ts";
import { type PemBlock, readPem } from "../crypto/pem.ts";
import {
  describePrivateKey,
  type PrivateKey,
  publicHalf,
  readEc,
  readPkcs1,
  readPkcs8,
  toPrivateJwk,
} from "../crypto/private-key.ts";
import type { PublicKey } from "../crypto/public-key.ts";

type Read = (der: Uint8Array) => PrivateKey;

const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["RSA PRIVATE KEY", readPkcs1],
  ["PRIVATE KEY", readPkcs8],
  ["EC PRIVATE KEY", (der) => readEc(der)],
]);

function readBlocks(source: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let block = readPem(source); block !== null; block = readPem(source, block.next)) {
    blocks.push(block);
  }
  return blocks;
}

/** PEM blocks of other types are skipped. */
function readKeys(text: string): readonly PrivateKey[] {
  return readBlocks(
    attempt(() => decodeBase64(text).toString("latin1")) ??
      Buffer.from(text, "utf8").toString("latin1"),
  ).flatMap(({ type, bytes }) => {
    const read = readers.get(type);
    return read === undefined ? [] : [read(bytes)];
  });
}

function toJwk(text: string): Json {
  if (text === "") throw new BuiltinError("there is no PEM");
  const source = text.startsWith(pemPrefix) ? text : decodeBase64(text).toString("utf8");
  const [key] = readKeys(source);
  return key === undefined ? null : toPrivateJwk(key);
}

/** PEM blocks of the types that count, or the one that is the text itself, as DER. */
function findBlocks(text: string, isWanted: (type: string) => boolean): readonly Uint8Array[] {
  const source = decodeSource(text, `${pemPrefix} `);
  if (!source.startsWith(pemPrefix)) return [Buffer.from(source, "latin1")];
  return readBlocks(source)
    .filter(({ type }) => isWanted(type))
    .map(({ bytes }) => bytes);
}

function describePair(certificate: string, privateKey: string): Json {
  const chain = findBlocks(certificate, (type) => type === "CERTIFICATE");
  const [secret] = findBlocks(privateKey, (type) => /(?:^| )PRIVATE KEY$/.test(type));
  const [first] = chain;
  if (first === undefined || secret === undefined) throw new BuiltinError("there is no key pair");
  const leaf = readCertificate(first);
  const key =
    attempt(() => readPkcs1(secret)) ?? attempt(() => readPkcs8(secret)) ?? readEc(secret);
  if (leaf.publicKey === null || !areEqual(leaf.publicKey, publicHalf(key))) {
    throw new BuiltinError("the private key does not belong to the certificate");
  }
  return {
    Certificate: chain.map(toBase64),
    PrivateKey: describePrivateKey(key),
    Leaf: describeCertificate(leaf),
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    SupportedSignatureAlgorithms: null,
  };
}

function areEqual(one: PublicKey, other: PublicKey): boolean {
  if (one.kind === "rsa" && other.kind === "rsa") return one.modulus === other.modulus;
  if (one.kind === "ec" && other.kind === "ec") return one.x === other.x && one.y === other.y;
  const isEdwards = one.kind === "ed25519" && other.kind === "ed25519";
  return isEdwards && Buffer.compare(one.bytes, other.bytes) === 0;
}

export const builtins: Builtins = {
  "crypto.parse_private_keys": (operands) => {
    const text = operands.string(0);
    return toValue(text === "" ? null : readKeys(text).map(describePrivateKey));
  },
  "crypto.x509.parse_keypair": (operands) =>
    toValue(describePair(operands.string(0), operands.string(1))),
  "crypto.x509.parse_rsa_private_key": (operands) => toValue(toJwk(operands.string(0))),
};
