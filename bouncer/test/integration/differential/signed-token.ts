/** Tokens for the differential tests: good ones, and ones that are wrong in any part. */
import {
  constants,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import * as fc from "fast-check";

export const algorithms = [
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
export type Algorithm = (typeof algorithms)[number];

export const secret = "a secret of any length";

const keys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  otherRsa: generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
  shortRsa: generateKeyPairSync("rsa", { modulusLength: 768 }).privateKey,
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  p521: generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey,
  ed25519: generateKeyPairSync("ed25519").privateKey,
} as const;
export type KeyName = keyof typeof keys;
export const keyNames: readonly KeyName[] = [
  "rsa",
  "otherRsa",
  "shortRsa",
  "p256",
  "p384",
  "p521",
  "ed25519",
];

export function privateKey(name: KeyName): KeyObject {
  return keys[name];
}

const usual: Readonly<Record<Algorithm, readonly KeyName[]>> = {
  HS256: [],
  HS384: [],
  HS512: [],
  RS256: ["rsa", "otherRsa", "shortRsa"],
  RS384: ["rsa", "otherRsa"],
  RS512: ["rsa", "otherRsa"],
  PS256: ["rsa", "otherRsa"],
  PS384: ["rsa", "otherRsa"],
  PS512: ["rsa"],
  ES256: ["p256", "p384"],
  ES384: ["p384"],
  ES512: ["p521", "p256"],
  EdDSA: ["ed25519"],
};

export function encode(data: string | Uint8Array): string {
  return Buffer.from(data).toString("base64url");
}

function hashOf(algorithm: Algorithm): string {
  return `sha${algorithm.slice(2)}`;
}

/** By what the algorithm needs, whatever the header says. */
export function signAs(algorithm: Algorithm, key: KeyObject | null, text: string): Buffer {
  const data = Buffer.from(text);
  if (algorithm.startsWith("HS"))
    return createHmac(hashOf(algorithm), secret).update(data).digest();
  if (key === null) throw new Error("no key");
  if (algorithm === "EdDSA") return sign(null, data, key);
  if (algorithm.startsWith("ES")) {
    return sign(hashOf(algorithm), data, { key, dsaEncoding: "ieee-p1363" });
  }
  const padding = algorithm.startsWith("PS")
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { padding: constants.RSA_PKCS1_PADDING };
  return sign(hashOf(algorithm), data, { key, ...padding });
}

export interface Made {
  readonly text: string;
  readonly algorithm: Algorithm;
  readonly key: KeyName | null;
}

const kids = ["one", "two", "", 7, null] as const;

const headers = fc.record(
  {
    kid: fc.constantFrom(...kids),
    typ: fc.constantFrom("JWT", "jwt", "at+jwt", 1, null),
    // Not what is no string: OPA panics.
    cty: fc.constantFrom("JWT", "jwt", "json"),
    crit: fc.constantFrom([], ["exp"], ["b64"], ["alg", 1], "exp", [1, "b64"]),
    b64: fc.constantFrom(true, false),
    enc: fc.constant("A128GCM"),
    extra: fc.jsonValue({ maxDepth: 1 }),
  },
  { requiredKeys: [] },
);

/** Mostly a header that is good. */
const header = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record({ kid: fc.constantFrom("one", "two", "three"), typ: fc.constant("JWT") }),
  },
  { weight: 2, arbitrary: headers },
);

const moments = [
  0,
  1,
  1_772_368_496,
  1_772_368_496.789,
  1_772_368_497,
  1e300,
  -1,
  "1",
  null,
  true,
] as const;

const claims = fc.record(
  {
    iss: fc.constantFrom("me", "you", ""),
    aud: fc.constantFrom("you", "me", "", ["me"], ["you", "me"], [1], 3, []),
    exp: fc.constantFrom(...moments),
    nbf: fc.constantFrom(...moments),
    sub: fc.string({ unit: "grapheme", maxLength: 5 }),
    big: fc.constant(12_345_678_901_234),
  },
  { requiredKeys: [] },
);

const payloads = fc.oneof(
  { weight: 8, arbitrary: claims.map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "[]",
      "null",
      "",
      "{",
      '{"a":1}x',
      ' {"a": 1.0, "a": 12345678901234567890} ',
      '{"exp":1772368496.7890001}',
      '{"exp":17723684967890e-4,"nbf":1.772368496789e9}',
      '{"a":"\u2028<>&","b":"\\ud800"}',
    ),
  },
);

type Tamper = (parts: readonly [string, string, string]) => string;

/** The first keeps the token as it is. */
const tampers: readonly Tamper[] = [
  ([head, body, signature]) => `${head}.${body}.${signature}`,
  ([head, body, signature]) => `${head}.${body}.${signature.slice(0, -4)}AAAA`,
  ([head, body, signature]) => `${head}.${body}.${signature.slice(4)}`,
  ([head, body]) => `${head}.${body}.`,
  ([head, body]) => `${head}.${body}`,
  ([head, body, signature]) => `${head}.${body}.${signature}.`,
  ([head, body, signature]) => `${head}.${body}.${signature}==`,
  ([head, body, signature]) => `${head}.${body}.${signature}\n`,
  ([head, body, signature]) => `${head}=.${body}.${signature}`,
  ([head, , signature]) => `${head}.${encode('{"sub":"other"}')}.${signature}`,
  ([head, body, signature]) => ` ${head}.${body}.${signature}`,
  ([head, body, signature]) => `${head}.${body}.${signature.replaceAll("_", "/")}`,
  ([, body, signature]) => `${encode('{"alg":"none"}')}.${body}.${signature}`,
  ([head, body]) =>
    `${head}.${encode(Buffer.from([0x7b, 0x22, 0xe2, 0x82, 0x22, 0x3a, 0x31, 0x7d]))}.${encode(body)}`,
];

/** `more` can claim another algorithm. */
function makeToken(
  algorithm: Algorithm,
  key: KeyName | null,
  more: Readonly<Record<string, unknown>>,
  payload: string,
): readonly [string, string, string] {
  const head = encode(JSON.stringify({ alg: algorithm, ...more }));
  const text = `${head}.${encode(payload)}`;
  return [head, encode(payload), encode(signAs(algorithm, key === null ? null : keys[key], text))];
}

/** Half of them are as they should be. */
export const tokens: fc.Arbitrary<Made> = fc
  .record({
    algorithm: fc.constantFrom(...algorithms),
    claimed: fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...algorithms, "none", "", "rs256", 5, null) },
    ),
    header,
    payload: payloads,
    choice: fc.nat(),
    isNested: fc.boolean(),
    tamper: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat({ max: tampers.length - 1 }) },
    ),
  })
  .map(({ algorithm, claimed, header: given, payload, choice, isNested, tamper }) => {
    const names = usual[algorithm];
    const key = names[choice % Math.max(1, names.length)] ?? null;
    const all = claimed === undefined ? given : { ...given, alg: claimed };
    const isJwt = "cty" in all && typeof all.cty === "string" && /jwt/i.test(all.cty);
    const inner = makeToken(algorithm, key, {}, payload).join(".");
    const body = isJwt && isNested ? (choice % 2 === 0 ? inner : `"${inner}"`) : payload;
    const parts = makeToken(algorithm, key, all, body);
    return { text: tampers[tamper]?.(parts) ?? "", algorithm, key };
  });

/** The ways to write a key that tokens are verified with. */
export function publicForms(name: KeyName): readonly string[] {
  const key = createPublicKey(keys[name]);
  const pem = key.export({ format: "pem", type: "spki" }).toString();
  const jwk = key.export({ format: "jwk" });
  const whole = keys[name].export({ format: "jwk" });
  return [
    pem,
    `text before\n${pem}`,
    `${pem}after`,
    pem.replaceAll("\n", "\r\n"),
    JSON.stringify(jwk),
    JSON.stringify({ ...jwk, kid: "one", use: "sig", key_ops: ["verify"] }),
    JSON.stringify(whole),
    JSON.stringify({ keys: [{ ...whole, kid: "one" }] }),
    JSON.stringify({ ...jwk, alg: "RS256", kid: "two" }),
    JSON.stringify({ ...jwk, alg: "nonsense" }),
    JSON.stringify({ ...jwk, alg: "RSA-OAEP" }),
    JSON.stringify({ ...jwk, key_ops: ["nonsense"] }),
    JSON.stringify({ ...jwk, x5c: ["AAAA"] }),
    JSON.stringify({ ...jwk, kty: "oct", k: "AAAA" }),
  ];
}

function jwks(kid: readonly string[]): string {
  const list = keyNames.map((name, at) => ({
    ...createPublicKey(keys[name]).export({ format: "jwk" }),
    kid: kid[at % kid.length],
  }));
  return JSON.stringify({ keys: list });
}

/** A key for the token, or another one, or none at all. */
export function verificationKeys({ key }: Made): fc.Arbitrary<string> {
  const own = key === null ? [] : publicForms(key);
  const others = ["rsa", "p256", "ed25519"] as const;
  return fc.oneof(
    { weight: own.length > 0 ? 6 : 0, arbitrary: fc.constantFrom(...own, "") },
    { weight: 1, arbitrary: fc.constantFrom(...others.flatMap(publicForms)) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        jwks(["one"]),
        jwks(["one", "two"]),
        jwks(["a", "b", "c", "d", "e", "f", "g"]),
        JSON.stringify({ kty: "oct", k: encode(secret) }),
        JSON.stringify({ keys: [{ kty: "oct", k: encode(secret), alg: "HS256" }] }),
        JSON.stringify({ keys: [] }),
        JSON.stringify({ keys: [{ kty: "new" }] }),
        JSON.stringify({ kty: "oct", k: "" }),
        "",
        "{",
        "null",
        secret,
      ),
    },
  );
}
