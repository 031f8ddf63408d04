import { signatureAlgorithms } from "../../../src/contract.ts";
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from "node:crypto";
import * as fc from "fast-check";
import * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";
import { type SignatureAlgorithm, type VerificationKey } from "../../../src/bundle/keys.ts";
import { readJson } from "../../../src/bundle/json.ts";
import { printTree } from "../../../src/bundle/tree.ts";
import { AppError } from "../../../src/errors.ts";
import { createCertificate } from "../sync/server.ts";
import { buildBundle, changeBundle, type Entry, packEntries, simpleSources } from "./opa.ts";
import { open as openSet, signedBy } from "./rules.ts";

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
  if (algorithm.startsWith("HS")) {
    const secret = randomBytes(32).toString("base64");
    return { publicKey: secret, privateKey: secret };
  }
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

const open = async (bytes: Uint8Array, ...keys: readonly VerificationKey[]): Promise<string> =>
  (await openSet(bytes, signedBy(...keys))).deciding.revision;

test.each(signatureAlgorithms)("signed by opa with %s", async (name) => {
  const pair = createPair(name);
  const signed = await sign(name, pair);
  await expect(open(signed, keyOf(name, pair))).resolves.toBe("one");
  await expect(open(signed, keyOf(name, createPair(name)))).rejects.toThrow(
    `its ${name} signature is not of the configured key`,
  );
});

function pem(key: string, type: "pkcs1" | "sec1"): string {
  return createPrivateKey(key).export({ type, format: "pem" }).toString();
}

describe("the key as", () => {
  test("each PEM of RSA that OPA takes", async () => {
    const pair = createPair("RS256");
    const signed = await sign("RS256", pair);
    const forms = [
      createPublicKey(pair.publicKey).export({ type: "pkcs1", format: "pem" }).toString(),
      pair.privateKey,
      pem(pair.privateKey, "pkcs1"),
    ];
    expect(forms.map((form) => form.split("-----")[1])).toEqual([
      "BEGIN RSA PUBLIC KEY",
      "BEGIN PRIVATE KEY",
      "BEGIN RSA PRIVATE KEY",
    ]);
    for (const key of forms) {
      await expect(open(signed, keyOf("RS256", pair, { key }))).resolves.toBe("one");
    }
  });

  test("each PEM of elliptic curves that OPA takes", async () => {
    const { cert, key: privateKey } = createCertificate();
    const signed = await sign("ES256", { publicKey: cert, privateKey });
    for (const key of [cert, privateKey, pem(privateKey, "sec1")]) {
      await expect(open(signed, keyOf("ES256", { publicKey: key, privateKey }))).resolves.toBe(
        "one",
      );
    }
  });
});

describe("several keys", () => {
  const [first, second] = [createPair("ES256"), createPair("RS256")];
  const keys = [
    keyOf("ES256", first, { keyId: "2025" }),
    keyOf("RS256", second, { keyId: "2026", scope: "write" }),
  ];

  test("the one that the signature names verifies it, with its algorithm and scope", async () => {
    const old = await sign("ES256", first, { keyid: "2025" });
    await expect(open(old, ...keys)).resolves.toBe("one");
    const current = await sign("RS256", second, { keyid: "2026", scope: "write" });
    await expect(open(current, ...keys)).resolves.toBe("one");
  });

  test.each([
    ["one that is not there", { keyid: "2027" }, 'names key "2027", accepted is "2025", "2026"'],
    ["none, which opa calls so", {}, 'names key "default", accepted is "2025", "2026"'],
    ["that of the other", { keyid: "2026" }, "RS256 signature is not of the configured key"],
  ])("a signature that names %s is refused", async (_name, claims, message) => {
    const signed = await sign("ES256", first, claims);
    await expect(open(signed, ...keys)).rejects.toThrow(message);
  });

  test("a key without an id is for all that name no other", async () => {
    const signed = await sign("ES256", first, { keyid: "x" });
    await expect(open(signed, ...keys, keyOf("ES256", first))).resolves.toBe("one");
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
    await expect(open(signed)).rejects.toThrow("POLICY_VERIFICATION_KEY is not set");
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
      (all) => resign(all, ([jwt = ""]) => [jwt.slice(0, -2)]),
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

  test("signed files that are excluded may differ or be missing from the signature", async () => {
    const changed = await changeBundle(signed, (all) => [
      ...edit(all, "/data.json", "1.50", "2"),
      { header: { name: "/docs/a.txt" }, body: Buffer.from("x") },
    ]);
    const verification = { keys: [key], excludeFiles: ["data.json", "docs/*"] };
    const opened = await openSet(changed, { verification });
    expect(opened.deciding.revision).toBe("one");
    await expect(
      openSet(changed, { verification: { ...verification, excludeFiles: ["data.json"] } }),
    ).rejects.toThrow('"docs/a.txt" is not signed');
  });

  test("whatever is wrong with the rest: the signature is looked at first", async () => {
    const changed = await changeBundle(signed, (all) => edit(all, "/.manifest", "{"));
    await expect(open(changed, key)).rejects.toMatchObject({ code: "bundle_signature" });
  });

  test("not, when a signed file is only laid out in another way", async () => {
    const changed = await changeBundle(signed, (all) => edit(all, "/data.json", ",", " ,\n  "));
    await expect(open(changed, key)).resolves.toBe("one");
  });
});

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A signature of our own, for what `opa sign` does not make. */
async function forge(change: {
  readonly header?: object;
  readonly claims?: object;
  readonly algorithm?: string;
  readonly file?: object;
  readonly plugin?: string;
}): Promise<Uint8Array> {
  const text = Buffer.from("x");
  const hash = createHash(change.algorithm ?? "sha256")
    .update(text)
    .digest("hex");
  const files = [{ name: "a.txt", hash, algorithm: "SHA-256", ...change.file }];
  const signed = `${part({ alg: "HS256", ...change.header })}.${part({ files, ...change.claims })}`;
  const signature = createHmac("sha256", "s3cret").update(signed).digest("base64url");
  const { plugin } = change;
  const signatures = JSON.stringify({ signatures: [`${signed}.${signature}`], plugin });
  return await packEntries([
    { header: { name: "/a.txt" }, body: text },
    { header: { name: "/.signatures.json" }, body: Buffer.from(signatures) },
  ]);
}

describe("a signature that is genuine", () => {
  const key = keyOf("HS256", { publicKey: "s3cret", privateKey: "" });
  const twice = [1, 2].map(() => ({ name: "a.txt", hash: "00", algorithm: "SHA-256" }));
  const none = { name: "b.txt", hash: "00", algorithm: "SHA-256" };

  test.each([
    ["with another algorithm in its header, which is not believed", { header: { alg: "none" } }],
    ["with SHA-512-256", { algorithm: "sha512-256", file: { algorithm: "SHA-512-256" } }],
    ["with a slash before a name", { file: { name: "/a.txt" } }],
    ["by the plugin that OPA has", { plugin: "_default" }],
  ])("%s is accepted", async (_name, change) => {
    // Then it is a bundle without a policy.
    const bytes = await forge(change);
    await expect(open(bytes, key)).rejects.toMatchObject({ code: "bundle_invalid" });
  });

  test.each([
    ["MD5", { algorithm: "md5", file: { algorithm: "MD5" } }, "is hashed with MD5"],
    ["SHA-1", { algorithm: "sha1", file: { algorithm: "SHA-1" } }, "is hashed with SHA-1"],
    ["no algorithm", { file: { algorithm: undefined } }, "JWT payload is not of the known form"],
    ["another plugin", { plugin: "kms" }, ".signatures.json is not of the known form"],
    ["a file twice", { claims: { files: twice } }, "is not what was signed"],
    ["a file that is not there", { claims: { files: [none] } }, '"b.txt" is signed, but not in it'],
    ["no files", { claims: { files: [] } }, '"a.txt" is not signed'],
    ["a scope", { claims: { scope: "x" } }, 'has scope "x", accepted is ""'],
  ])("with %s is refused", async (_name, change, message) => {
    const bytes = await forge(change);
    await expect(open(bytes, key)).rejects.toThrow(message);
  });
});

test("no changed bit of any file or of the signature is accepted", async () => {
  const pair = createPair("ES256");
  const claims = { keyid: "k1", scope: "write" };
  const signed = await sign("ES256", pair, claims);
  const key = keyOf("ES256", pair, { keyId: "k1", scope: "write" });
  const entries: Entry[] = [];
  await changeBundle(signed, (all) => {
    entries.push(...all);
    return all;
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...entries),
      fc.nat(),
      fc.integer({ min: 0, max: 7 }),
      async (entry, where, bit) => {
        const changed = flip(entry, where, bit);
        const bytes = await packEntries(entries.map((one) => (one === entry ? changed : one)));
        const code = await open(bytes, key).catch((error: unknown) =>
          error instanceof AppError ? error.code : String(error),
        );
        // Between the values of JSON, a space may become another one.
        const isRefused = code === "bundle_signature";
        expect(isRefused || (code === "one" && isSameJson(entry, changed))).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

function isSameJson(one: Entry, other: Entry): boolean {
  const isSigned = ["/data.json", "/.manifest", "/.signatures.json"].includes(one.header.name);
  if (!isSigned) return false;
  const [before, after] = [one, other].map(({ body }) => printTree(readJson(body.toString())));
  return before === after;
}

function flip(entry: Entry, where: number, bit: number): Entry {
  const body = Buffer.from(entry.body);
  const at = where % Math.max(1, body.byteLength);
  body.writeUInt8((body[at] ?? 0) ^ (1 << bit), at);
  return { header: entry.header, body };
}

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
