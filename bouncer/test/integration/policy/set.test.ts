import { beforeAll, describe, expect, test } from "vitest";
import { checkMembers, openSet, type Snapshot } from "../../../src/bundle/set.ts";
import { buildBundle, manifest, packEntries, simpleSources, type Sources } from "./opa.ts";
import { requirements } from "./requirements.ts";
import { dataOf, open, signedBy } from "./rules.ts";

function snapshot(name: string, bytes: Uint8Array, ...deltas: readonly Uint8Array[]): Snapshot {
  return { name, bytes, deltas };
}

/** A bundle of files that `opa` need not compile. */
async function pack(files: Sources): Promise<Uint8Array> {
  return await packEntries(
    Object.entries(files).map(([name, text]) => ({ header: { name }, body: Buffer.from(text) })),
  );
}

const sources = {
  ...simpleSources(),
  "authz.rego": `package envoy.authz
default allow := false
allow if data.teams.members[input.user]`,
  "data.json": "{}",
  ".manifest": manifest({ revision: "p1", roots: ["envoy"] }),
};

let policy: Uint8Array;
let teams: Uint8Array;
beforeAll(async () => {
  policy = await buildBundle(sources);
  teams = await pack({
    ".manifest": manifest({ revision: "t1", roots: ["teams"] }),
    "teams/data.json": '{"members":{"ann":true},"limit":1.50}',
  });
});

describe("a set", () => {
  test("has the data of all, and the decision of the one that has it", async () => {
    const opened = await openSet(
      [snapshot("teams.tar.gz", teams), snapshot("policy.tar.gz", policy)],
      requirements,
    );
    expect(opened.identities.map(({ name, revision }) => [name, revision])).toEqual([
      ["teams.tar.gz", "t1"],
      ["policy.tar.gz", "p1"],
    ]);
    expect(opened.deciding.name).toBe("policy.tar.gz");
    expect(dataOf(opened)).toBe('{"teams":{"limit":1.50,"members":{"ann":true}}}');
    // It goes to and comes from another thread.
    expect(structuredClone(opened)).toEqual(opened);
  });

  test.each([
    ["the same root", ["teams"], 'root "teams" of "a" and root "teams" of "b" overlap'],
    ["a root below", ["x", "teams/members"], 'root "teams" of "a" and root "teams/members" of "b"'],
    ["everything", [""], 'root "teams" of "a" and root "" of "b" overlap'],
  ])("in which two bundles have %s is refused", async (_name, roots, message) => {
    const other = await pack({ ".manifest": manifest({ roots }) });
    const set = [snapshot("a", teams), snapshot("b", other)];
    await expect(openSet(set, requirements)).rejects.toThrow(message);
    await expect(checkMembers(set, requirements)).rejects.toThrow(message);
  });

  test("in which nobody decides is refused, but may be the begin of one that is not", async () => {
    await expect(openSet([snapshot("teams", teams)], requirements)).rejects.toThrow(
      'it has no compiled entrypoint "envoy/authz/allow" (it has none)',
    );
    const members = await checkMembers([snapshot("teams", teams)], requirements);
    expect(members.map(({ revision }) => revision)).toEqual(["t1"]);
  });

  test("of which one bundle is broken says which", async () => {
    const set = [snapshot("policy", policy), snapshot("teams", Buffer.from("x"))];
    await expect(openSet(set, requirements)).rejects.toThrow(/it is not gzip.*, in "teams"$/);
  });

  test("that is too large is refused", async () => {
    const set = [snapshot("policy", policy), snapshot("teams", teams)];
    const setBytes = policy.byteLength + teams.byteLength;
    await expect(openSet(set, { ...requirements, setBytes })).resolves.toBeDefined();
    await expect(openSet(set, { ...requirements, setBytes: setBytes - 1 })).rejects.toThrow(
      `all bundles together are larger than ${setBytes - 1} bytes`,
    );
  });
});

const declared = { revision: "t2", roots: ["teams"] };
const upsert = (path: string, value: unknown) => ({ op: "upsert", path, value });

async function delta(operations: readonly object[], fields: object = declared, more: Sources = {}) {
  return await pack({
    ".manifest": manifest(fields),
    "patch.json": JSON.stringify({ data: operations }),
    ...more,
  });
}

async function dataAfter(...deltas: readonly Uint8Array[]): Promise<string> {
  const set = [snapshot("policy", policy), snapshot("teams", teams, ...deltas)];
  return dataOf(await openSet(set, requirements));
}

describe("a delta", () => {
  test("changes the data of its bundle, and after it the next one does", async () => {
    const one = await delta([upsert("/teams/members/bob", true), upsert("/teams/list", [1])]);
    const two = await delta([
      { op: "remove", path: "/teams/members/ann" },
      upsert("/teams/list/0", 0),
    ]);
    expect(await dataAfter(one)).toBe(
      '{"teams":{"limit":1.50,"list":[1],"members":{"ann":true,"bob":true}}}',
    );
    expect(await dataAfter(one, two)).toBe(
      '{"teams":{"limit":1.50,"list":[0,1],"members":{"bob":true}}}',
    );
    const missing = await delta([{ op: "replace", path: "/teams/list/0", value: 0 }]);
    await expect(dataAfter(missing)).rejects.toThrow(
      'data[0] cannot replace "teams/list/0": there is no "list", in "teams"',
    );
  });

  test("has a revision and a serial of its own, and the identity tells it from the rest", async () => {
    const one = await delta([upsert("/teams/x", 1)], {
      ...declared,
      metadata: { bouncer: { serial: 7, input: ["parsed_path"] } },
    });
    const before = await openSet(
      [snapshot("policy", policy), snapshot("teams", teams)],
      requirements,
    );
    const after = await openSet(
      [snapshot("policy", policy), snapshot("teams", teams, one)],
      requirements,
    );
    expect(after.identities[1]).toMatchObject({ revision: "t2", serial: 7, deltas: 1 });
    expect(after.identities[1]?.sha256).not.toBe(before.identities[1]?.sha256);
    expect(after.identities[0]).toEqual(before.identities[0]);
    expect(after.inputFields).toBeNull();
  });

  test("of the bundle that decides has the same compiled entrypoints", async () => {
    const wasm = [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }];
    const own = await delta([upsert("/envoy/other", 1)], { roots: ["envoy"], wasm });
    expect(dataOf(await open(policy, {}, [own]))).toBe('{"envoy":{"other":1}}');
    const none = await delta([upsert("/envoy/other", 1)], { roots: ["envoy"] });
    await expect(open(policy, {}, [none])).rejects.toThrow("compiled entrypoints are not those");
  });

  const change = [upsert("/teams/x", 1)];
  test.each<readonly [string, Parameters<typeof delta>, string]>([
    ["no change", [[]], "it changes nothing"],
    ["other roots", [change, { roots: ["teams", "more"] }], "its roots are not those"],
    ["no manifest", [change, {}], "its roots are not those"],
    ["a path outside of the roots", [[upsert("/envoy/x", 1)]], "is not under the roots"],
    ["data", [change, declared, { "teams/data.json": "{}" }], 'it has "teams/data.json" beside'],
    ["Rego", [change, declared, { "x.rego": "package x" }], 'it has "x.rego" beside the patch'],
    ["a module", [change, declared, { "policy.wasm": "x" }], 'it has "policy.wasm" beside'],
    [
      "another patch",
      [change, declared, { "a/patch.json": "{}" }],
      '"patch.json" and "a/patch.json"',
    ],
  ])("with %s is refused", async (_name, args, message) => {
    await expect(delta(...args).then((bytes) => dataAfter(bytes))).rejects.toThrow(message);
  });

  test("is refused where bundles have to be signed, unless that is allowed", async () => {
    const key = { key: "s3cret", algorithm: "HS256", keyId: null, scope: null } as const;
    const signing = ["--signing-key", "s3cret", "--signing-alg", "HS256"];
    const signed = await buildBundle(sources, ...signing);
    const wasm = [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }];
    const one = await delta([upsert("/envoy/x", 1)], { roots: ["envoy"], wasm });
    await expect(open(signed, signedBy(key), [one])).rejects.toMatchObject({
      code: "bundle_signature",
    });
    const opened = await open(signed, { ...signedBy(key), allowUnsignedDeltas: true }, [one]);
    expect(opened.deciding.deltas).toBe(1);
  });
});
