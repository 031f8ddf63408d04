import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createKeeper } from "../../../src/load/stored.ts";
import { createPolicy } from "../../../src/policy/policy.ts";
import { buildBundle, manifest, packEntries, simpleSources } from "../policy/opa.ts";
import { configOf, recordLog, useDirectory } from "../policy/setting.ts";

const serial = (value: number): object => ({ bouncer: { serial: value } });

const bundles: Record<string, Uint8Array> = {};
beforeAll(async () => {
  const build = async (name: string, metadata?: object): Promise<void> => {
    const declared = manifest({ revision: name, roots: ["envoy", "extra"], metadata });
    bundles[name] = await buildBundle({ ...simpleSources(name), ".manifest": declared });
  };
  await Promise.all([build("a"), build("b"), build("s1", serial(1)), build("s2", serial(2))]);
  bundles["teams"] = await packEntries([
    {
      header: { name: ".manifest" },
      body: Buffer.from(manifest({ revision: "teams", roots: ["teams"] })),
    },
  ]);
});

const bundleOf = (name: string): Uint8Array => bundles[name] ?? Buffer.from(name);

/** A pod that starts with these files; each has been written later than the ones before it. */
async function start(
  files: Readonly<Record<string, string>>,
  env: Parameters<typeof configOf>[0] = {},
) {
  await using directory = await useDirectory();
  for (const folder of ["loaded", "kept"]) await mkdir(join(directory.path, folder));
  for (const [at, [path, name]] of Object.entries(files).entries()) {
    await writeFile(join(directory.path, path), bundleOf(name));
    await utimes(join(directory.path, path), at, at);
  }
  const recorded = recordLog();
  const config = configOf({
    POLICY_DIRECTORY: join(directory.path, "loaded"),
    POLICY_PERSIST_DIRECTORY: join(directory.path, "kept"),
    ...env,
  });
  const policy = await createPolicy(config, { log: recorded.log, version: "1" });
  const { bundles: active, sync } = policy.status();
  await policy.close();
  return {
    active: active.map(({ revision }) => revision),
    code: sync.error?.code ?? null,
    logged: recorded.text(),
  };
}

const loaded = "loaded/bundle.tar.gz";
const kept = "kept/policy.tar.gz.bundle";

describe("at start", () => {
  test.each<readonly [string, Record<string, string>, string]>([
    ["what was loaded", { [loaded]: "a" }, "a"],
    ["what was kept, when nothing was loaded", { [kept]: "b" }, "b"],
    ["what was kept, when it is newer", { [loaded]: "a", [kept]: "b" }, "b"],
    ["what was loaded, when it is newer", { [kept]: "b", [loaded]: "a" }, "a"],
    ["what says that it is newer, whenever it was written", { [loaded]: "s2", [kept]: "s1" }, "s2"],
    ["what says that it is newer, and was kept", { [kept]: "s2", [loaded]: "s1" }, "s2"],
    ["what was loaded, when what was kept is broken", { [loaded]: "a", [kept]: "broken" }, "a"],
    ["what was kept, when what was loaded is broken", { [kept]: "b", [loaded]: "broken" }, "b"],
  ])("%s is enforced", async (_name, files, revision) => {
    expect(await start(files)).toMatchObject({ active: [revision], code: null });
  });

  test("what is broken is said, and is not fatal", async () => {
    const { active, code, logged } = await start({ [loaded]: "broken", [kept]: "broken, too" });
    expect([active, code]).toEqual([[], "bundle_invalid"]);
    expect(logged).toContain("loaded/bundle.tar.gz");
    expect(logged).toContain("kept/policy.tar.gz.bundle");
  });

  test("nothing is there yet", async () => {
    expect(await start({})).toMatchObject({ active: [], code: "bundle_not_found" });
  });

  test("a signature is verified again", async () => {
    const env = { POLICY_VERIFICATION_KEY: "s3cret", POLICY_VERIFICATION_ALGORITHM: "HS256" };
    expect(await start({ [kept]: "a" }, env)).toMatchObject({
      active: [],
      code: "bundle_signature",
    });
  });

  test("what is older than what was kept is no way around POLICY_REFUSE_OLDER", async () => {
    const env = { POLICY_REFUSE_OLDER: "true" };
    const files = { [kept]: "s2", [loaded]: "s1" };
    expect(await start(files, env)).toMatchObject({ active: ["s2"], code: null });
    expect(await start({ [loaded]: "a" }, env)).toMatchObject({ active: [], code: "bundle_older" });
  });

  const POLICY_BUNDLE_URL = "https://x/policy.tar.gz,https://x/teams.tar.gz";

  test("of several bundles, each is the newest", async () => {
    const files = { [loaded]: "a", "loaded/teams.tar.gz.bundle": "teams", [kept]: "b" };
    expect(await start(files, { POLICY_BUNDLE_URL })).toMatchObject({ active: ["b", "teams"] });
  });

  test("when the newest do not go together, what was loaded is enforced", async () => {
    // Both decide.
    const kept2 = "kept/teams.tar.gz.bundle";
    const files = { [loaded]: "a", "loaded/teams.tar.gz.bundle": "teams", [kept2]: "b" };
    expect(await start(files, { POLICY_BUNDLE_URL })).toMatchObject({ active: ["a", "teams"] });
  });
});

describe("what is active is kept", () => {
  test("in a directory that is made for it, once", async () => {
    await using directory = await useDirectory();
    const path = join(directory.path, "deep", "kept");
    const failures: unknown[] = [];
    const keeper = createKeeper(path, (error) => failures.push(error));
    keeper.keep("x.tar.gz", Buffer.from("one"));
    keeper.keep("x.tar.gz", Buffer.from("two"));
    keeper.keep("y.tar.gz", Buffer.from("three"));
    await keeper.settled();
    expect((await readdir(path)).toSorted()).toEqual(["x.tar.gz.bundle", "y.tar.gz.bundle"]);
    expect(await readFile(join(path, "x.tar.gz.bundle"), "utf8")).toBe("two");
    expect(failures).toEqual([]);
  });

  test("and when it cannot be, that is said, and nothing else happens", async () => {
    await using directory = await useDirectory();
    const file = join(directory.path, "file");
    await writeFile(file, "");
    const failures: unknown[] = [];
    const keeper = createKeeper(join(file, "kept"), (error) => failures.push(error));
    keeper.keep("x.tar.gz", Buffer.from("one"));
    await keeper.settled();
    expect(failures).toMatchObject([{ code: "bundle_unwritable" }]);
  });
});
