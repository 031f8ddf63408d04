/** The commands for people, as they are called: real opa, real files, exit codes. */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { unpack } from "../../../src/bundle/archive.ts";
import { runNamed } from "../../../src/cli/commands.ts";
import { useDirectory } from "../policy/setting.ts";

async function workspace(files: Readonly<Record<string, string>>) {
  const directory = await useDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory.path, name)), { recursive: true });
    await writeFile(join(directory.path, name), text);
  }
  const at = (name: string): string => join(directory.path, name);
  return {
    at,
    async run(name: string, ...argv: readonly string[]) {
      const said = { out: "", err: "" };
      const code = await runNamed(name, argv, {
        print: (text) => (said.out += text),
        note: (text) => (said.err += text),
      });
      return { code, ...said };
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const authz = `package envoy.authz
default allow := {"allowed": false, "http_status": 403}
allow := {"allowed": true, "headers": {"x-user": user}} if {
  input.attributes.request.http.method == "GET"
  input.parsed_path[0] in data.open
}
user := input.attributes.request.http.headers["x-user"]`;
const authzTest = `package envoy.authz
test_open if allow.allowed with input as {"attributes": {"request": {"http": {"method": "GET", "headers": {"x-user": "a"}}}}, "parsed_path": ["open"]} with data.open as ["open"]`;
const sources = {
  "policy/authz.rego": authz,
  "policy/authz_test.rego": authzTest,
  "policy/data.json": '{"open": ["open"], "big": 12345678901234567890}',
};

describe("bouncer bundle", () => {
  test("tests, compiles, declares, and can be opened", async () => {
    await using space = await workspace(sources);
    const made = await space.run(
      "bundle",
      space.at("policy"),
      "-o",
      space.at("b.tar.gz"),
      "-r",
      "7",
      "--serial",
      "3",
    );
    expect(made).toMatchObject({ code: 0 });
    expect(made.err).toContain("PASS: 1/1");
    const files = await unpack(await readFile(space.at("b.tar.gz")));
    expect(JSON.parse(Buffer.from(files.get(".manifest") ?? "").toString())).toMatchObject({
      revision: "7",
      metadata: {
        bouncer: {
          serial: 3,
          input: [
            "attributes.request.http.headers.x-user",
            "attributes.request.http.method",
            "parsed_path",
          ],
        },
      },
    });
    expect([...files.keys()].some((name) => name.endsWith("_test.rego"))).toBe(false);
    expect(Buffer.from(files.get("data.json") ?? "").toString()).toContain("12345678901234567890");
  });

  test("the same sources give the same bytes", async () => {
    await using space = await workspace(sources);
    for (const name of ["a", "b"]) {
      await space.run("bundle", space.at("policy"), "-o", space.at(name), "--serial", "1");
    }
    expect(await readFile(space.at("a"))).toEqual(await readFile(space.at("b")));
  });

  test.each([
    [
      "a test that fails",
      { "policy/authz_test.rego": "package envoy.authz\ntest_no if false" },
      "Cannot pass the policy's tests",
    ],
    [
      "Rego that does not compile",
      { "policy/authz.rego": "package envoy.authz\nallow if x" },
      "rego_unsafe_var_error",
    ],
    [
      "no such decision",
      {
        "policy/authz.rego": "package envoy.other\nallow := true",
        "policy/authz_test.rego": "package envoy.other\ntest_it if allow",
      },
      "envoy",
    ],
  ])("%s makes no bundle", async (_name, changed, says) => {
    await using space = await workspace({ ...sources, ...changed });
    const made = await space.run("bundle", space.at("policy"), "-o", space.at("b.tar.gz"));
    expect(made).toMatchObject({ code: 1, out: "" });
    expect(made.err).toContain(says);
    await expect(readFile(space.at("b.tar.gz"))).rejects.toThrow("ENOENT");
  });

  test.each([["RS256"], ["PS384"], ["ES256"], ["HS512"]])(
    "signs with %s, and eval checks it",
    async (algorithm) => {
      const pair = algorithm.startsWith("ES")
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
      const secret = "a secret that both sides know, and nobody else";
      const isSecret = algorithm.startsWith("HS");
      await using space = await workspace({
        ...sources,
        "key.pem": isSecret
          ? secret
          : pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        "public.pem": isSecret
          ? secret
          : pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
        "other.pem": isSecret
          ? `${secret}.`
          : generateKeyPairSync("rsa", { modulusLength: 2048 })
              .publicKey.export({ type: "spki", format: "pem" })
              .toString(),
      });
      const bundle = space.at("b.tar.gz");
      const signing = ["--signing-key", space.at("key.pem"), "--signing-alg", algorithm];
      expect(await space.run("bundle", space.at("policy"), "-o", bundle, ...signing)).toMatchObject(
        { code: 0 },
      );
      const ask = (key: string) =>
        space.run(
          "eval",
          "-b",
          bundle,
          "/open",
          "-H",
          "x-user: ann",
          "--verification-key",
          space.at(key),
          "--verification-alg",
          algorithm,
        );
      expect(await ask("public.pem")).toMatchObject({ code: 0, err: "" });
      const forged = await ask("other.pem");
      expect(forged).toMatchObject({ code: 1, out: "" });
      expect(forged.err).toContain("bundle_signature");
    },
  );

  test.each([
    [[], "Cannot make a bundle of nothing"],
    [["x", "--serial", "one"], 'Cannot use --serial "one"'],
    [["x", "-e", "allow"], 'Cannot use --entrypoint "allow"'],
    [["x", "--scope", "s"], "Cannot sign without --signing-key"],
    [["x", "--signing-alg", "none"], 'Cannot use --signing-alg "none"'],
    [["x", "--what"], "--what"],
  ])("%j is told", async (argv, says) => {
    await using space = await workspace({});
    const { code, err } = await space.run("bundle", ...argv);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });
});

describe("bouncer eval", () => {
  test("says what is decided and why, as text and JSON", async () => {
    await using space = await workspace(sources);
    const bundle = space.at("b.tar.gz");
    await space.run("bundle", space.at("policy"), "-o", bundle, "-r", "7");
    const allowed = await space.run("eval", "-b", bundle, "/open/1?x=2", "-H", "X-User: ann");
    expect(allowed).toMatchObject({ code: 0 });
    expect(allowed.out).toContain("allowed\n  to the application, x-user: ann\n");
    expect(allowed.out).toContain('decided by  envoy/authz/allow of b.tar.gz (revision "7")');
    const refused = await space.run(
      "eval",
      "-b",
      bundle,
      "-X",
      "POST",
      "https://shop/open",
      "-o",
      "json",
    );
    expect(refused).toMatchObject({ code: 3 });
    expect(JSON.parse(refused.out)).toMatchObject({
      verdict: { kind: "deny", status: 403, reason: "policy" },
      input: { attributes: { request: { http: { method: "POST" } } }, parsed_path: ["open"] },
    });
    await writeFile(
      space.at("input.json"),
      '{"attributes":{"request":{"http":{"method":"GET","headers":{"x-user":"bob"}}}},"parsed_path":["open"]}',
    );
    const given = await space.run("eval", "-b", bundle, "--input", space.at("input.json"));
    expect(given.out).toContain("x-user: bob");
  });

  test("what is refused before a policy is asked, is told", async () => {
    await using space = await workspace(sources);
    const bundle = space.at("b.tar.gz");
    await space.run("bundle", space.at("policy"), "-o", bundle);
    const { code, err } = await space.run("eval", "-b", bundle, "/open/../admin");
    expect(code).toBe(1);
    expect(err).toContain("A bouncer refuses this before it asks a policy, ambiguous_request");
    expect(await space.run("eval", "-b", bundle)).toMatchObject({ code: 2 });
    expect(await space.run("eval", "/x")).toMatchObject({ code: 2 });
    expect((await space.run("eval", "-b", space.at("none"), "/x")).err).toContain("Cannot read");
  });
});

const record = (path: string, verdict: string) =>
  JSON.stringify({
    type: "openpolicyagent.org/decision_logs",
    decision_id: `id-${path}`,
    verdict,
    result: { allowed: verdict === "allow" },
    input: {
      attributes: { request: { http: { method: "GET", headers: { "x-user": "ann" } } } },
      parsed_path: [path],
    },
    request: { method: "GET", target: `/${path}` },
  });

test("bouncer replay lists what another bundle would change", async () => {
  await using space = await workspace(sources);
  await space.run("bundle", space.at("policy"), "-o", space.at("old.tar.gz"));
  await writeFile(space.at("policy/data.json"), '{"open": ["other"]}');
  await space.run("bundle", space.at("policy"), "-o", space.at("new.tar.gz"), "--no-test");
  const log = [
    "not a record",
    record("open", "allow"),
    record("closed", "deny"),
    record("other", "deny"),
  ];
  await writeFile(space.at("audit.log"), log.join("\n"));
  const same = await space.run("replay", "-b", space.at("old.tar.gz"), space.at("audit.log"));
  expect(same).toMatchObject({ code: 0 });
  expect(same.out).toContain("0 of 3 decisions would change");
  const changed = await space.run(
    "replay",
    "-b",
    space.at("new.tar.gz"),
    space.at("audit.log"),
    "-o",
    "json",
  );
  expect(changed).toMatchObject({ code: 3 });
  expect(JSON.parse(changed.out)).toMatchObject({
    decisions: 3,
    changed: 2,
    other: 1,
    changes: [
      { request: "GET /open", from: "allow", to: "deny (policy)", count: 1, example: "id-open" },
      { request: "GET /other", from: "deny", to: "allow", count: 1 },
    ],
  });
  expect((await space.run("replay", "-b", space.at("new.tar.gz"), space.at("none"))).code).toBe(1);
});

test("each command has its help", async () => {
  await using space = await workspace({});
  for (const name of ["bundle", "eval", "replay"]) {
    const { code, out } = await space.run(name, "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: bouncer /);
  }
  expect((await space.run("nothing")).code).toBeNull();
});
