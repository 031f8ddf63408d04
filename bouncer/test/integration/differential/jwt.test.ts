import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Operands, type Query } from "../../../src/rego/builtin.ts";
import { RegoNumber } from "../../../src/rego/number.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { fromJson } from "../../../src/rego/term.ts";
import { RegoObject, type Value } from "../../../src/rego/value.ts";
import {
  askOpa,
  type BuiltinCall,
  compareWithOpa,
  createQuery,
  fixedNow,
  sample,
  sampleCalls,
} from "./harness.ts";
import { anyString, anyValue, mostly } from "./operand.ts";
import {
  algorithms,
  keyNames,
  privateKey,
  publicForms,
  secret,
  tokens,
  verificationKeys,
} from "./signed-token.ts";

test("io.jwt.decode", async () => {
  const text = mostly(
    fc.oneof(
      tokens.map((made) => made.text),
      anyString,
    ),
  );
  expect(await compareWithOpa(sampleCalls("io.jwt.decode", fc.tuple(text), 1000))).toEqual([]);
});

const named = algorithms.map((algorithm) => `io.jwt.verify_${algorithm.toLowerCase()}`);

test("io.jwt.verify_*", async () => {
  const calls = tokens.chain((made) =>
    fc
      .tuple(
        fc.oneof(
          { weight: 4, arbitrary: fc.constant(`io.jwt.verify_${made.algorithm.toLowerCase()}`) },
          { weight: 1, arbitrary: fc.constantFrom(...named) },
        ),
        fc.oneof(
          { weight: made.key === null ? 4 : 0, arbitrary: fc.constant(secret) },
          { weight: 3, arbitrary: verificationKeys(made) },
        ),
      )
      .map(([name, key]): BuiltinCall => [name, made.text, key]),
  );
  expect(await compareWithOpa(sample(calls, 800))).toEqual([]);
});

const times = [
  Number(fixedNow),
  0,
  1e9,
  1_772_368_496e9,
  1_772_368_496_789_000_192,
  1_772_368_497_000_000_000,
] as const;

test("io.jwt.decode_verify", async () => {
  const calls = tokens.chain((made) =>
    fc
      .tuple(
        fc.record(
          {
            alg: fc.constantFrom<unknown[]>(made.algorithm, made.algorithm, "RS256", "", 1),
            iss: fc.constantFrom("me", "", null),
            aud: fc.constantFrom("me", "you", ""),
            nonsense: fc.constant(1),
          },
          { requiredKeys: [] },
        ),
        fc.oneof(
          { weight: 8, arbitrary: fc.constantFrom<unknown[]>(...times) },
          { weight: 1, arbitrary: fc.constantFrom<unknown[]>("1", -1, null) },
        ),
        fc.oneof(
          { weight: made.key === null ? 4 : 1, arbitrary: fc.constant({ secret }) },
          { weight: 4, arbitrary: verificationKeys(made).map((cert) => ({ cert })) },
          { weight: 1, arbitrary: fc.constant({ secret, cert: publicForms("rsa")[0] }) },
        ),
        fc.integer({ min: 0, max: 5 }),
      )
      .map(([constraints, time, key, luck]): BuiltinCall => {
        const usual = luck === 0 ? constraints : { ...constraints, nonsense: undefined };
        const members = Object.entries({ ...usual, ...key, time }).filter(
          ([, value]) => value !== undefined,
        );
        return ["io.jwt.decode_verify", made.text, fromJson(Object.fromEntries(members))];
      }),
  );
  expect(await compareWithOpa(sample(calls, 800))).toEqual([]);
});

/** Keys of Ed25519 are apart: OPA takes them for HMAC secrets, too. */
const jwks: readonly Value[] = [
  ...keyNames
    .filter((name) => name !== "ed25519")
    .flatMap((name) => {
      const key = privateKey(name).export({ format: "jwk" });
      const { dp: _dp, ...incomplete } = key;
      return [key, { keys: [key, { kty: "oct", k: "AAAA" }] }, incomplete, { ...key, d: "AAAA" }];
    }),
  { kty: "oct", k: Buffer.from(secret).toString("base64url") },
  { kty: "oct", k: Buffer.from(secret).toString("base64") },
  { kty: "oct", k: 1 },
  { kty: "oct" },
  { keys: [] },
].map((key) => fromJson(JSON.parse(JSON.stringify(key))));

/** Signatures that come out the same at each time; of others only whether there is one. */
const deterministic = fc.constantFrom(
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "EdDSA",
);

test("io.jwt.encode_sign", async () => {
  const header = fc
    .tuple(deterministic, fc.constantFrom<unknown[]>("JWT", "text", undefined, 1))
    .map(([alg, typ]) => fromJson(typ === undefined ? { alg } : { alg, typ }));
  const payload = fc
    .array(fc.tuple(fc.oneof(anyString, anyValue), anyValue), { maxLength: 3 })
    .map((members) => new RegoObject(members));
  const key = fc.constantFrom(...jwks);
  expect(
    await compareWithOpa(
      sampleCalls(
        "io.jwt.encode_sign",
        fc.tuple(mostly(header), mostly(payload), mostly(key)),
        600,
      ),
    ),
  ).toEqual([]);
});

test("io.jwt.encode_sign_raw", async () => {
  const header = fc
    .tuple(deterministic, fc.constantFrom("", ',"typ":"JWT"', ',"typ":"x"', ', "typ" : 5 ', ","))
    .map(([alg, more]) => `{"alg":"${alg}"${more}}`);
  const payload = fc.oneof(
    fc.constantFrom("{}", "text", "", "[1", '{"a":"\u00e9"}', "1 ", " null"),
    anyString,
  );
  const key = fc
    .constantFrom(...jwks)
    .map((value) => (value instanceof RegoObject ? toText(value) : ""));
  expect(
    await compareWithOpa(
      sampleCalls(
        "io.jwt.encode_sign_raw",
        fc.tuple(mostly(header), mostly(payload), mostly(key)),
        600,
      ),
    ),
  ).toEqual([]);
});

function toText(value: RegoObject): string {
  return JSON.stringify(
    Object.fromEntries([...value].map(([name, member]) => [name, plain(member)])),
  );
}

function plain(value: Value): unknown {
  if (value instanceof RegoObject) return JSON.parse(toText(value));
  if (value instanceof RegoNumber) return value.toNumber();
  return Array.isArray(value) ? value.map(plain) : value;
}

const drawn = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"] as const;

test.each(drawn)("a signature by %s is drawn, and OPA takes it", async (alg) => {
  const name = alg.startsWith("PS")
    ? "rsa"
    : alg === "ES256"
      ? "p256"
      : alg === "ES384"
        ? "p384"
        : "p521";
  const jwk = fromJson(JSON.parse(JSON.stringify(privateKey(name).export({ format: "jwk" }))));
  const { builtins } = await findBuiltins(["io.jwt.encode_sign"]);
  const random = vi.fn<Query["random"]>(() => new Uint8Array());
  const token = builtins.get("io.jwt.encode_sign")?.(
    new Operands([fromJson({ alg }), fromJson({ sub: "me" }), jwk]),
    { ...createQuery(), random },
  );
  // So that the decision is not remembered.
  expect(random).toHaveBeenCalled();
  const call: BuiltinCall = [
    `io.jwt.verify_${alg.toLowerCase()}`,
    token ?? null,
    publicForms(name)[0] ?? null,
  ];
  expect([...(await askOpa([call])).values()]).toEqual([true]);
});
