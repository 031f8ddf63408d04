import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { type Builtins, Operands, type Query } from "../builtin.ts";
import { fromJson, printTerm } from "../term.ts";
import { builtins as decoding } from "./jwt.ts";
import { builtins as signing } from "./jwt-sign.ts";
import { builtins as verifying } from "./jwt-verify.ts";

const all: Builtins = { ...decoding, ...verifying, ...signing };

const now = vi.fn<Query["now"]>(() => 1_000_000_000_500_000_000n);
const random = vi.fn<Query["random"]>(() => new Uint8Array());

beforeEach(() => {
  vi.clearAllMocks();
});

function createQuery(): Query {
  return {
    now,
    random,
    answer: () => undefined,
    checkTime: () => undefined,
    memory: new Map(),
  };
}

function call(query: Query, name: string, ...operands: readonly unknown[]): string {
  const answer = all[name]?.(new Operands(operands.map(fromJson)), query);
  return answer === undefined ? "undefined" : printTerm(answer);
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = rsa.publicKey.export({ format: "pem", type: "spki" }).toString();
const jwk = rsa.publicKey.export({ format: "jwk" });

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

type Make = (text: string) => Buffer;
const bySecret =
  (secret: string): Make =>
  (text) =>
    createHmac("sha256", secret).update(text).digest();
const byKey: Make = (text) => sign("sha256", Buffer.from(text), rsa.privateKey);

function token(header: unknown, payload: unknown, make: Make): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${make(text).toString("base64url")}`;
}

const good = token({ alg: "RS256" }, { exp: 1_000_000_001 }, byKey);
const refused = "[false,{},{}]";

test("a token that is signed by the key is taken apart", () => {
  expect(call(createQuery(), "io.jwt.decode_verify", good, { cert: pem })).toBe(
    '[true,{"alg":"RS256"},{"exp":1000000001}]',
  );
});

test.each([
  ["no signature", token({ alg: "none" }, {}, () => Buffer.alloc(0)), { cert: pem }],
  ["no algorithm", token({}, {}, byKey), { cert: pem }],
  [
    "a public key as secret: everybody has it",
    token({ alg: "HS256" }, {}, bySecret(pem)),
    { cert: pem },
  ],
  ["RSA with a secret", token({ alg: "RS256" }, {}, byKey), { secret: pem }],
  ["an algorithm that is not the one demanded", good, { cert: pem, alg: "RS512" }],
  [
    "the name of the algorithm in the library",
    token({ alg: "HMAC_WITH_SHA256" }, {}, bySecret("s")),
    { secret: "s" },
  ],
  [
    "something critical that is not understood",
    token({ alg: "RS256", crit: ["b64"], b64: false }, {}, byKey),
    { cert: pem },
  ],
  [
    "a key of the same name that is another",
    token({ alg: "RS256", kid: "a" }, {}, byKey),
    { cert: JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "a" }, jwk] }) },
  ],
  [
    "an audience when none is expected",
    token({ alg: "RS256" }, { aud: "me" }, byKey),
    { cert: pem },
  ],
  ["the end of its time", token({ alg: "RS256" }, { exp: 1_000_000_000.5 }, byKey), { cert: pem }],
  ["a time to come", token({ alg: "RS256" }, { nbf: 1_000_000_000.75 }, byKey), { cert: pem }],
  [
    "an unsigned token inside of a signed one",
    token({ alg: "RS256", cty: "JWT" }, "", byKey).replace(
      /\..*\./,
      `.${Buffer.from(`${encode({ alg: "none" })}.${encode({})}.`).toString("base64url")}.`,
    ),
    { cert: pem },
  ],
])("a token with %s is refused", (_what, text, constraints) => {
  expect(call(createQuery(), "io.jwt.decode_verify", text, constraints)).toBe(refused);
});

test("only without a time of its own does a decision depend on the clock", () => {
  const query = createQuery();
  call(query, "io.jwt.decode_verify", good, { cert: pem, time: 5 });
  expect(now).not.toHaveBeenCalled();
  call(query, "io.jwt.decode_verify", good, { cert: pem });
  expect(now).toHaveBeenCalled();
});

test("a signature that comes out the same each time does not depend on chance", () => {
  const query = createQuery();
  const secret = { kty: "oct", k: "c2VjcmV0" };
  const once = call(query, "io.jwt.encode_sign", { alg: "HS256" }, { a: 1 }, secret);
  expect(call(query, "io.jwt.encode_sign", { alg: "HS256" }, { a: 1 }, secret)).toBe(once);
  expect(random).not.toHaveBeenCalled();
});

test("nothing is signed by an HMAC with half of a key pair", () => {
  const key = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  expect(() => call(createQuery(), "io.jwt.encode_sign", { alg: "HS256" }, {}, key)).toThrow(
    "not a key to sign with by HS256",
  );
});

test("a query without time ends a search through many keys", () => {
  const keys = Array.from({ length: 3 }, () => ({ kty: "oct", k: "AAAA" }));
  const query = {
    ...createQuery(),
    checkTime: () => {
      throw new Error("over");
    },
  };
  expect(() => call(query, "io.jwt.verify_rs256", good, JSON.stringify({ keys }))).toThrow("over");
});
