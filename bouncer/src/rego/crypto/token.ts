/** JSON Web Tokens, taken apart (RFC 7519, 7.2) as OPA does it. Pure. */
import { BuiltinError } from "../builtin.ts";
import { parseJson } from "../term.ts";
import { isArray, RegoObject, type Value } from "../value.ts";
import { decodeBase64Url } from "./base64.ts";
import { decodeUtf8, encodeUtf8 } from "../text/utf8.ts";

export interface Token {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

export function splitToken(text: string): Token {
  const [header, payload, signature, ...others] = text.split(".", 4);
  if (header === undefined || payload === undefined || signature === undefined) {
    throw new BuiltinError("encoded JWT must have 3 sections");
  }
  if (others.length > 0) throw new BuiltinError("encoded JWT has more than 3 sections");
  return { header, payload, signature };
}

/** What the signature is of. */
export function signedBytes({ header, payload }: Token): Uint8Array {
  return encodeUtf8(`${header}.${payload}`);
}

export function decodePart(part: string): string {
  return decodeUtf8(decodeBase64Url(part));
}

export function parseObject(text: string): RegoObject {
  const value = parse(text);
  if (!(value instanceof RegoObject)) throw new BuiltinError("decoded JSON is not an object");
  return value;
}

function parse(text: string): Value {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new BuiltinError(`invalid JSON: ${error.message}`);
    throw error;
  }
}

/** JWEs have a header with `enc` (RFC 7516, 9): they are refused. */
export function decodeHeader({ header }: Token): RegoObject {
  const decoded = parseObject(decodePart(header));
  if (decoded.has("enc")) throw new BuiltinError("JWT is a JWE object, which is not supported");
  return decoded;
}

export interface Header {
  readonly alg: string;
  readonly kid: string;
  readonly cty: string;
  /** It has an algorithm, and what it says is critical is understood (RFC 7515, 4.1.11). */
  readonly isValid: boolean;
}

const known: readonly Value[] = ["alg", "kid", "typ", "cty", "crit"];

export function readHeader(header: RegoObject): Header {
  const [alg, kid, , cty] = ["alg", "kid", "typ", "cty"].map((name) => readText(header, name));
  const critical = readCritical(header.get("crit"));
  const isUnderstood = critical.every((name) => known.includes(name) || !header.has(name));
  return { alg: alg ?? "", kid: kid ?? "", cty: cty ?? "", isValid: alg !== "" && isUnderstood };
}

function readText(header: RegoObject, name: string): string {
  const value = header.get(name) ?? "";
  if (typeof value !== "string" || header.get(name) === null) {
    throw new BuiltinError(`${name} must be a string`);
  }
  return value;
}

/** As OPA reads it, up to the first that is no string. */
function readCritical(crit: Value | undefined): readonly string[] {
  if (crit === undefined) return [];
  if (!isArray(crit)) throw new BuiltinError("crit must be a list");
  const names: string[] = [];
  for (const name of crit) {
    if (typeof name !== "string") break;
    names.push(name);
  }
  if (names.length === 0) throw new BuiltinError("crit must be a nonempty list");
  return names;
}
