/** `io.jwt.decode_verify`: a token taken apart, when its signature and its claims are as demanded. */
import { BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { decodeBase64Url } from "../crypto/base64.ts";
import { type Signed, verifyJws } from "../crypto/jws.ts";
import {
  decodeHeader,
  decodePart,
  type Header,
  parseObject,
  readHeader,
  signedBytes,
  splitToken,
} from "../crypto/token.ts";
import { encodeUtf8 } from "../text/utf8.ts";
import { readVerificationKeys, type VerificationKey } from "../crypto/verification-key.ts";
import { compareNumbers, RegoNumber } from "../number.ts";
import { isArray, RegoObject, type Value } from "../value.ts";

interface Constraints {
  readonly keys: readonly VerificationKey[];
  /** Empty: any will do. */
  readonly alg: string;
  readonly iss: string;
  /** Empty: the token must not name an audience. */
  readonly aud: string;
  /** Seconds since the epoch. */
  readonly time: RegoNumber;
}

const unverified: Value = [false, new RegoObject(), new RegoObject()];

const names: readonly Value[] = ["cert", "secret", "alg", "iss", "aud", "time"];

function readConstraints(object: RegoObject, query: Query): Constraints {
  for (const [name] of object) {
    if (!names.includes(name)) throw new BuiltinError("unknown token validation constraint");
  }
  return {
    keys: readKeys(object),
    alg: readText(object, "alg"),
    iss: readText(object, "iss"),
    aud: readText(object, "aud"),
    time: readTime(object.get("time"), query),
  };
}

function readText(object: RegoObject, name: string): string {
  const value = object.has(name) ? object.get(name) : "";
  if (typeof value !== "string") throw new BuiltinError(`${name} constraint must be a string`);
  return value;
}

/** Either a certificate (or what stands for one) or a secret. */
function readKeys(object: RegoObject): readonly VerificationKey[] {
  const secret = readText(object, "secret");
  const cert = readText(object, "cert");
  if (object.has("cert")) {
    if (secret !== "") throw new BuiltinError("duplicate key constraints");
    return readVerificationKeys(cert);
  }
  if (secret === "") throw new BuiltinError("no key constraint");
  return [{ alg: "", kid: "", material: { kind: "secret", bytes: encodeUtf8(secret) } }];
}

/** Only without a time of its own does the decision depend on the clock. */
function readTime(time: Value | undefined, query: Query): RegoNumber {
  if (time !== undefined && !(time instanceof RegoNumber)) {
    throw new BuiltinError("token time constraint must be a number");
  }
  const ns = time === undefined ? Number(query.now()) : time.toNumber();
  if (!Number.isFinite(ns) || ns < 0) {
    throw new BuiltinError("token time constraint must not be negative");
  }
  return RegoNumber.of(ns / 1e9);
}

interface Keys {
  readonly keys: readonly VerificationKey[];
  readonly checkTime: () => void;
}

function isSigned({ keys, checkTime }: Keys, header: Header, signed: Signed): boolean {
  const named = header.kid === "" ? undefined : keys.find(({ kid }) => kid === header.kid);
  if (named !== undefined) return verifyJws(named.material, header.alg, signed);
  return keys.some(({ alg, material }) => {
    checkTime();
    return (alg === "" || alg === header.alg) && verifyJws(material, header.alg, signed);
  });
}

/** Of a token in a token each has to be signed; null when one of them is not, or not as demanded. */
function open(text: string, constraints: Constraints, query: Query): readonly RegoObject[] | null {
  const { keys } = constraints;
  const checkTime = (): void => {
    query.checkTime();
  };
  let inner = text;
  for (;;) {
    checkTime();
    const token = splitToken(inner);
    const decoded = decodeHeader(token);
    const header = readHeader(decoded);
    if (!header.isValid) return null;
    if (constraints.alg !== "" && constraints.alg !== header.alg) return null;
    const signed = { data: signedBytes(token), signature: decodeBase64Url(token.signature) };
    if (!isSigned({ keys, checkTime }, header, signed)) return null;
    const payload = decodePart(token.payload);
    if (header.cty.toUpperCase() !== "JWT") return [decoded, parseObject(payload)];
    inner = payload;
  }
}

/** RFC 7519, 4.1.1. */
function isIssuer(payload: RegoObject, iss: string): boolean {
  const issuer = payload.get("iss");
  if (iss === "" || issuer === undefined) return iss === "";
  if (typeof issuer !== "string") throw new BuiltinError("iss value must be a string");
  return issuer === iss;
}

/** RFC 7519, 4.1.3. */
function isAudience(audience: Value | undefined, aud: string): boolean {
  if (audience === undefined) return aud === "";
  return isArray(audience) ? audience.includes(aud) : audience === aud;
}

/** RFC 7519, 4.1.4 and 4.1.5. */
function isInTime(payload: RegoObject, time: RegoNumber): boolean {
  const expiry = readClaim(payload, "exp");
  if (expiry !== undefined && compareNumbers(time, expiry) >= 0) return false;
  const start = readClaim(payload, "nbf");
  return start === undefined || compareNumbers(time, start) >= 0;
}

function readClaim(payload: RegoObject, name: string): RegoNumber | undefined {
  const value = payload.get(name);
  if (value === undefined || value instanceof RegoNumber) return value;
  throw new BuiltinError(`${name} value must be a number`);
}

export const builtins: Builtins = {
  "io.jwt.decode_verify": (operands, query) => {
    const constraints = readConstraints(operands.object(1), query);
    const [header, payload] = open(operands.string(0), constraints, query) ?? [];
    if (header === undefined || payload === undefined) return unverified;
    const isMeant =
      isIssuer(payload, constraints.iss) && isAudience(payload.get("aud"), constraints.aud);
    return isMeant && isInTime(payload, constraints.time) ? [true, header, payload] : unverified;
  },
};
