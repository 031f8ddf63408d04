/** The keys that tokens are verified with: a PEM certificate or public key, a JWK or a set of them. */
import { signatureAlgorithms } from "../../contract.ts";
import { BuiltinError } from "../builtin.ts";
import { readCertificate } from "./certificate.ts";
import { type Jwk, readJwks } from "./jwk.ts";
import { readPem } from "./pem.ts";
import { readPublicKey } from "./public-key.ts";

/** Of JWKs, only those for an algorithm that tokens can be signed with, or for any. */
const tokenAlgorithms: ReadonlySet<string> = new Set(["", ...signatureAlgorithms, "EdDSA"]);

export function isSignatureAlgorithm(alg: string): boolean {
  return alg !== "" && tokenAlgorithms.has(alg);
}

/** A key without material verifies nothing: Go does not know its algorithm. */
export type VerificationKey = Omit<Jwk, "material"> & { readonly material: Jwk["material"] | null };

const maxRemembered = 100;
/** Longer ones are no key set of a policy, but something from a request. */
const maxRememberedLength = 65_536;
const remembered = new Map<string, readonly VerificationKey[]>();

/** Remembers the last texts: policies verify many tokens with few keys, and parsing is not cheap. */
export function readVerificationKeys(text: string): readonly VerificationKey[] {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const keys = parseKeys(text);
  if (text.length > maxRememberedLength) return keys;
  if (remembered.size >= maxRemembered) {
    const [oldest] = remembered.keys();
    if (oldest !== undefined) remembered.delete(oldest);
  }
  remembered.set(text, keys);
  return keys;
}

function parseKeys(text: string): readonly VerificationKey[] {
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  const block = readPem(bytes);
  if (block === null) return readJwks(text).filter(({ alg }) => tokenAlgorithms.has(alg));
  if (block.next < bytes.length) {
    throw new BuiltinError("extra data after a PEM certificate block");
  }
  switch (block.type) {
    case "CERTIFICATE": {
      const { publicKey } = readCertificate(block.bytes);
      const material = publicKey === null ? null : ({ kind: "public", key: publicKey } as const);
      return [{ alg: "", kid: "", material }];
    }
    case "PUBLIC KEY":
      return [{ alg: "", kid: "", material: { kind: "public", key: readPublicKey(block.bytes) } }];
    default:
      throw new BuiltinError(`a PEM block of type ${block.type} is no key to verify with`);
  }
}
