import { generateKeyPairSync } from "node:crypto";
import * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";
import type { SignatureAlgorithm } from "../../../src/config/table.ts";
import { openBundle } from "../../../src/bundle/bundle.ts";
import type { VerificationKey } from "../../../src/bundle/signature.ts";
import { buildBundle, changeBundle, type Entry, simpleSources } from "./opa.ts";

/** Numbers and strings that a canonical form is easily wrong about. */
const sources = {
  ...simpleSources(),
  "data.json": String.raw`{"extra": 1.50, "e": [1e3, -0, 30000000000000000000000001], "\u00e9\u2028<": "\u2029&\u0007/"}`,
};

interface Pair {
  readonly publicKey: string;
  readonly privateKey: string;
}

function createPair(algorithm: SignatureAlgorithm): Pair {
  const curves: Readonly<Record<string, string>> = {
    ES256: "P-256",
    ES384: "P-384",
    ES512: "P-521",
  };
  const namedCurve = curves[algorithm];
  if (algorithm.startsWith("HS")) return { publicKey: "s3cret", privateKey: "s3cret" };
  const { publicKey, privateKey } =
    namedCurve === undefined
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve });
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

async function sign(
  algorithm: SignatureAlgorithm,
  pair: Pair,
  claims: object = {},
): Promise<Uint8Array> {
  const files = {
    ...sources,
    "key.pem": pair.privateKey,
    "key-claims.json": JSON.stringify(claims),
  };
  const signing = ["--signing-key", "key.pem", "--signing-alg", algorithm];
  const withClaims = Object.keys(claims).length > 0 ? ["--claims-file", "key-claims.json"] : [];
  // Without a key to verify with, `opa build -b` accepts no signed sources; these are not.
  return await buildBundle(files, ...signing, ...withClaims);
}

function keyOf(
  algorithm: SignatureAlgorithm,
  pair: Pair,
  overrides: Partial<VerificationKey> = {},
): VerificationKey {
  return { key: pair.publicKey, algorithm, keyId: null, scope: null, ...overrides };
}

const open = async (bytes: Uint8Array, key: VerificationKey | null): Promise<string> =>
  (await openBundle(bytes, { decisionPath: "envoy/authz/allow", key })).manifest.revision;

describe("signed by opa", () => {
  test.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const)("%s", async (name) => {
    const pair = createPair(name);
    await expect(sign(name, pair).then((bytes) => open(bytes, keyOf(name, pair)))).resolves.toBe(
      "one",
    );
  });

  test.each(["ES256", "ES384", "ES512", "HS256", "HS384", "HS512"] as const)("%s", async (name) => {
    const pair = createPair(name);
    await expect(sign(name, pair).then((bytes) => open(bytes, keyOf(name, pair)))).resolves.toBe(
      "one",
    );
  });
});

describe("refused", () => {
  const pair = createPair("ES256");
  let signed: Uint8Array;
  beforeAll(async () => {
    signed = await sign("ES256", pair, { keyid: "k1", scope: "write" });
  });
  const key = keyOf("ES256", pair, { scope: "write" });

  test("not, when key id and scope are as configured", async () => {
    await expect(open(signed, { ...key, keyId: "k1" })).resolves.toBe("one");
  });

  test.each([
    ["another key", { key: createPair("ES256").publicKey }, "signature is not of the configured"],
    ["a key of another kind", { key: createPair("RS256").publicKey }, "cannot be used for ES256"],
    ["a key on another curve", { key: createPair("ES384").publicKey }, "cannot be used for ES256"],
    ["a key that is none", { key: "x" }, "the configured key is not a PEM public key"],
    ["another algorithm", { ...keyOf("HS256", pair) }, "HS256 signature is not of the configured"],
    ["another key id", { keyId: "k2" }, 'names key "k1", accepted is "k2"'],
    ["another scope", { scope: "read" }, 'has scope "write", accepted is "read"'],
    ["a scope where none is configured", { scope: null }, 'has scope "write", accepted is ""'],
  ])("%s", async (_name, overrides, message) => {
    await expect(open(signed, { ...key, ...overrides })).rejects.toThrow(message);
  });

  test("unsigned", async () => {
    await expect(buildBundle(sources).then((bytes) => open(bytes, key))).rejects.toThrow(
      "it is not signed",
    );
  });

  test("signed, and no key to verify it with", async () => {
    await expect(open(signed, null)).rejects.toThrow("POLICY_VERIFICATION_KEY is not set");
  });

  const changes: readonly (readonly [string, (all: Entry[]) => readonly Entry[], string])[] = [
    [
      "a file was added",
      (all) => [...all, { header: { name: "/x" }, body: Buffer.from("x") }],
      '"x" is not signed',
    ],
    [
      "a file was left out",
      (all) => all.filter(({ header }) => header.name !== "/authz.rego"),
      '"authz.rego" is signed, but not in it once',
    ],
    ["the module was changed", (all) => edit(all, "/policy.wasm", "x"), "is not what was signed"],
    [
      "a number was written in another way",
      (all) => edit(all, "/data.json", "1.50", "1.5"),
      "is not what was signed",
    ],
    [
      "the manifest was changed",
      (all) => edit(all, "/.manifest", "one", "two"),
      "is not what was signed",
    ],
    [
      "the signature was cut",
      (all) => resign(all, ([jwt = ""]) => [jwt.slice(0, -4)]),
      "signature is not of the configured",
    ],
    [
      "there are two signatures",
      (all) => resign(all, (jwts) => [...jwts, "x"]),
      "is not of the known form",
    ],
  ];
  test.each(changes)("%s", async (_name, change, message) => {
    await expect(changeBundle(signed, change).then((bytes) => open(bytes, key))).rejects.toThrow(
      message,
    );
  });

  test("not, when a signed file is only laid out in another way", async () => {
    const changed = await changeBundle(signed, (all) => edit(all, "/data.json", ",", " ,\n  "));
    await expect(open(changed, key)).resolves.toBe("one");
  });
});

/** Appends to a file, or replaces the first occurrence of a text in it. */
function edit(entries: Entry[], name: string, text: string, by?: string): readonly Entry[] {
  return entries.map((entry) => {
    if (entry.header.name !== name) return entry;
    const before = entry.body.toString("latin1");
    const after = by === undefined ? before + text : before.replace(text, by);
    return { header: entry.header, body: Buffer.from(after, "latin1") };
  });
}

function resign(entries: Entry[], change: (jwts: readonly string[]) => readonly string[]) {
  const schema = v.object({ signatures: v.array(v.string()) });
  return entries.map((entry) => {
    if (entry.header.name !== "/.signatures.json") return entry;
    const { signatures } = v.parse(schema, JSON.parse(entry.body.toString()));
    return { ...entry, body: Buffer.from(JSON.stringify({ signatures: change(signatures) })) };
  });
}
