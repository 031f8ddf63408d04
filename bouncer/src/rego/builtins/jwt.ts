/** `io.jwt.decode` and `io.jwt.verify_*`: tokens taken apart, and their signatures verified. */
import { type Builtin, BuiltinError, type Builtins } from "../builtin.ts";
import { decodeBase64Url } from "../crypto/base64.ts";
import { type KeyMaterial } from "../crypto/jwk.ts";
import { curveSize, type PublicKey } from "../crypto/public-key.ts";
import {
  decodeHeader,
  decodePart,
  parseObject,
  readHeader,
  signedBytes,
  splitToken,
} from "../crypto/token.ts";
import { trimBoth } from "../crypto/trim.ts";
import { encodeUtf8 } from "../text/utf8.ts";
import { readVerificationKeys } from "../crypto/verification-key.ts";
import {
  type Hash,
  type Padding,
  verifyEcdsa,
  verifyEd25519,
  verifyHmac,
  verifyRsa,
} from "../crypto/verify.ts";
import type { Value } from "../value.ts";

/** Of a token inside of a token, only the inner one is handed out. */
function decode(text: string): Value {
  const token = splitToken(text);
  const header = decodeHeader(token);
  const payload = decodePart(token.payload);
  const content = header.get("cty");
  if (content !== undefined && typeof content !== "string") {
    throw new BuiltinError("cty must be a string");
  }
  // Some encoders put the inner token between quotes.
  if (content === "JWT") return decode(trimBoth(payload, `"'`));
  const signature = decodeBase64Url(token.signature).toString("hex");
  return [header, parseObject(payload), signature];
}

interface Signed {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

type Check = (key: PublicKey, signed: Signed) => boolean;

/** Only public keys: a private key in a set verifies nothing here, as in OPA. */
function matches(material: KeyMaterial | null, check: Check, signed: Signed): boolean {
  return material?.kind === "public" && check(material.key, signed);
}

function verifyWith(check: Check): Builtin {
  return (operands, query) => {
    const token = splitToken(operands.string(0));
    const keys = readVerificationKeys(operands.string(1));
    const signed = { data: signedBytes(token), signature: decodeBase64Url(token.signature) };
    const header = readHeader(decodeHeader(token));
    // A key of that name is the only one that counts.
    const named = header.kid === "" ? undefined : keys.find(({ kid }) => kid === header.kid);
    if (named !== undefined) return matches(named.material, check, signed);
    return keys.some(({ alg, material }) => {
      query.checkTime();
      return (alg === "" || alg === header.alg) && matches(material, check, signed);
    });
  };
}

function rsa(hash: Hash, padding: Padding): Builtin {
  return verifyWith((key, signed) => verifyRsa(key, hash, padding, signed));
}

function ecdsa(hash: Hash): Builtin {
  return verifyWith((key, { data, signature }) => {
    const fitted = key.kind === "ec" ? fit(signature, curveSize(key.curve)) : null;
    return fitted !== null && verifyEcdsa(key, hash, { data, signature: fitted });
  });
}

/** OPA takes each half of the signature as a number, with zeros before it or without. */
function fit(signature: Uint8Array, size: number): Uint8Array | null {
  const middle = Math.floor(signature.length / 2);
  const halves = [signature.subarray(0, middle), signature.subarray(middle)].map((half) => {
    const start = half.findIndex((byte) => byte !== 0);
    return start < 0 ? new Uint8Array() : half.subarray(start);
  });
  if (halves.some(({ length }) => length > size)) return null;
  const fitted = new Uint8Array(2 * size);
  for (const [at, half] of halves.entries()) fitted.set(half, (at + 1) * size - half.length);
  return fitted;
}

function hmac(hash: Hash): Builtin {
  return (operands) => {
    const [text, secret] = [operands.string(0), operands.string(1)];
    const token = splitToken(text);
    const signed = { data: signedBytes(token), signature: decodeBase64Url(token.signature) };
    return verifyHmac(encodeUtf8(secret), hash, signed);
  };
}

export const builtins: Builtins = {
  "io.jwt.decode": (operands) => decode(operands.string(0)),
  "io.jwt.verify_eddsa": verifyWith(verifyEd25519),
  "io.jwt.verify_es256": ecdsa("sha256"),
  "io.jwt.verify_es384": ecdsa("sha384"),
  "io.jwt.verify_es512": ecdsa("sha512"),
  "io.jwt.verify_hs256": hmac("sha256"),
  "io.jwt.verify_hs384": hmac("sha384"),
  "io.jwt.verify_hs512": hmac("sha512"),
  "io.jwt.verify_ps256": rsa("sha256", "pss-any-salt"),
  "io.jwt.verify_ps384": rsa("sha384", "pss-any-salt"),
  "io.jwt.verify_ps512": rsa("sha512", "pss-any-salt"),
  "io.jwt.verify_rs256": rsa("sha256", "pkcs1"),
  "io.jwt.verify_rs384": rsa("sha384", "pkcs1"),
  "io.jwt.verify_rs512": rsa("sha512", "pkcs1"),
};
