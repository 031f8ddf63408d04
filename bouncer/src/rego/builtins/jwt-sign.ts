/** `io.jwt.encode_sign` and `io.jwt.encode_sign_raw`. */
import { constants, createHmac, sign } from "node:crypto";
import { BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { printGoJson } from "../crypto/go-json.ts";
import { type KeyMaterial, readJwks } from "../crypto/jwk.ts";
import { algorithmOf } from "../crypto/jws.ts";
import { toBase64Url } from "../crypto/public-key.ts";
import { parseObject } from "../crypto/token.ts";
import { encodeUtf8 } from "../text/utf8.ts";
import { isSignatureAlgorithm } from "../crypto/verification-key.ts";
import { parseJson } from "../term.ts";

interface Parts {
  readonly header: string;
  readonly payload: string;
  readonly jwk: string;
}

function encode({ header, payload, jwk }: Parts, query: Query): string {
  const [key] = readJwks(jwk);
  if (key === undefined) throw new BuiltinError("no keys found in JWK set");
  const headers = parseObject(header);
  const [alg, typ] = [headers.get("alg"), headers.get("typ")];
  if (typeof alg !== "string" || !isSignatureAlgorithm(alg)) {
    throw new BuiltinError("unknown JWS algorithm");
  }
  if ((typeof typ !== "string" || typ === "JWT") && !isJson(payload)) {
    throw new BuiltinError("type is JWT but payload is not JSON");
  }
  const text = `${toBase64Url(encodeUtf8(header))}.${toBase64Url(encodeUtf8(payload))}`;
  return `${text}.${toBase64Url(signText(text, alg, key.material, query))}`;
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function signText(text: string, alg: string, material: KeyMaterial, query: Query): Uint8Array {
  const algorithm = algorithmOf(alg);
  const data = encodeUtf8(text);
  if (algorithm === undefined) throw new BuiltinError("unknown JWS algorithm");
  const { family, hash } = algorithm;
  if (family === "HS" && material.kind === "secret") {
    return createHmac(hash, material.bytes).update(data).digest();
  }
  if (material.kind !== "private" || families[material.key.kind]?.includes(family) !== true) {
    throw new BuiltinError(`not a key to sign with by ${alg}`);
  }
  // What Node draws is not the query's, but the query has to know that something was drawn.
  if (family === "PS" || family === "ES") query.random(0);
  try {
    return sign(family === "EdDSA" ? null : hash, data, {
      key: material.sign(),
      ...options[family],
    });
  } catch (error) {
    throw new BuiltinError("cannot sign with this key", { cause: error });
  }
}

const families: Readonly<Partial<Record<string, readonly string[]>>> = {
  rsa: ["RS", "PS"],
  ec: ["ES"],
  ed25519: ["EdDSA"],
};

const options = {
  HS: {},
  RS: { padding: constants.RSA_PKCS1_PADDING },
  PS: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  ES: { dsaEncoding: "ieee-p1363" },
  EdDSA: {},
} as const;

export const builtins: Builtins = {
  "io.jwt.encode_sign": (operands, query) => {
    const [header = "", payload = "", jwk = ""] = [0, 1, 2].map((index) =>
      printGoJson(operands.value(index)),
    );
    return encode({ header, payload, jwk }, query);
  },
  "io.jwt.encode_sign_raw": (operands, query) =>
    encode(
      { header: operands.string(0), payload: operands.string(1), jwk: operands.string(2) },
      query,
    ),
};
