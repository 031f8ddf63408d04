import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTiming, runLoad } from "../../../src/load/load.ts";
import { replaceFile } from "../../../src/load/replace.ts";
import { archiveLimits } from "../../../src/bundle/archive.ts";
import { systemClock } from "../../../src/clock.ts";
import { buildBundle, manifest, packEntries, simpleSources } from "../policy/opa.ts";
import { configOf, recordLog, useDirectory } from "../policy/setting.ts";
import { createCertificate, startServer } from "../sync/server.ts";

let bundle: Uint8Array;
beforeAll(async () => {
  bundle = await buildBundle(simpleSources());
});

type Env = Parameters<typeof configOf>[0];

/** A pod's directory, log and termination log, and time that passes only by waiting. */
async function usePod() {
  const directory = await useDirectory();
  const terminationLog = join(directory.path, "termination-log");
  await writeFile(terminationLog, "");
  const recorded = recordLog();
  let now = 0;
  const waits: number[] = [];
  const clock = {
    ...systemClock,
    now: () => now,
    random: () => 0.5,
    wait: async (ms: number) => {
      waits.push(ms);
      now += ms;
    },
  };
  return {
    directory: directory.path,
    waits,
    logged: recorded.text,
    run: async (env: Env) =>
      await runLoad(configOf({ POLICY_DIRECTORY: directory.path, ...env }), {
        log: recorded.log,
        clock,
        terminationLog,
      }),
    stored: async () => await readFile(join(directory.path, "bundle.tar.gz")).catch(() => null),
    files: async () => (await readdir(directory.path)).toSorted(),
    terminated: async () => await readFile(terminationLog, "utf8"),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const serve =
  (bytes: Uint8Array): RequestListener =>
  (_request, response) => {
    response.end(bytes);
  };

/** Announces more than it sends. */
function breakOff(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-length": bundle.byteLength });
  response.write(bundle.subarray(0, 1000), () => response.destroy());
}

test("fetches over TLS with the configured authority and token, and stores what it got", async () => {
  await using pod = await usePod();
  const tls = createCertificate();
  await using server = await startServer({ tls, answer: serve(bundle) });
  const tokenFile = join(pod.directory, "token");
  await writeFile(tokenFile, "t0ken\n");
  const env = {
    POLICY_BUNDLE_URL: `${server.origin}/bundles/policy.tar.gz`,
    POLICY_SYNC_CA: tls.cert,
    POLICY_SYNC_CLIENT_TOKEN_FILE: tokenFile,
  };
  expect(await pod.run(env)).toBe(0);
  expect(await pod.stored()).toEqual(Buffer.from(bundle));
  expect(await pod.files()).toEqual(["bundle.tar.gz", "termination-log", "token"]);
  expect(server.requests.all.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ["/bundles/policy.tar.gz", "Bearer t0ken"],
  ]);
  expect(pod.logged()).toContain('"revision":"one"');
  expect(pod.logged()).not.toContain("t0ken");
  expect(await pod.terminated()).toBe("");
});

test("tries again, ever more apart, until the server is there", async () => {
  await using pod = await usePod();
  let failures = 4;
  await using server = await startServer({
    answer: (request, response) => {
      failures -= 1;
      if (failures >= 0) response.writeHead(failures % 2 === 0 ? 503 : 404).end("later");
      else serve(bundle)(request, response);
    },
  });
  expect(await pod.run({ POLICY_BUNDLE_URL: server.origin })).toBe(0);
  expect(pod.waits).toEqual([250, 500, 1000, 2000]);
});

describe("fails, says why, and leaves nothing", () => {
  const rows: readonly (readonly [string, RequestListener, string])[] = [
    ["not found", (_request, response) => response.writeHead(404).end(), "bundle_not_found: "],
    [
      "a server that fails",
      (_request, response) => response.writeHead(500).end(),
      "bundle_unreachable: ",
    ],
    [
      "a token that is refused",
      (_request, response) => response.writeHead(401).end(),
      "status 401",
    ],
    [
      "a redirect, which could take the token elsewhere",
      (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      "status 302",
    ],
    ["an empty answer", (_request, response) => response.end(), "it is empty"],
    ["a download that breaks off", breakOff, "bundle_unreachable: "],
    [
      "a download without end",
      (_request, response) => {
        response.on("error", () => undefined);
        response.end(Buffer.alloc(archiveLimits.compressedBytes + 1));
      },
      "bundle_invalid: Cannot fetch bundle",
    ],
    ["something else than a bundle", serve(Buffer.from("<html>")), "bundle_invalid: Cannot unpack"],
  ];
  test.each(rows)("%s", async (_name, answer, message) => {
    await using pod = await usePod();
    await using server = await startServer({ answer });
    expect(await pod.run({ POLICY_BUNDLE_URL: server.origin })).toBe(1);
    expect(await pod.terminated()).toContain(message);
    expect(await pod.files()).toEqual(["termination-log"]);
    expect(pod.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(loadTiming.budgetMs);
  });

  test("nobody there", async () => {
    await using pod = await usePod();
    expect(await pod.run({ POLICY_BUNDLE_URL: "http://127.0.0.1:1/x" })).toBe(1);
    expect(await pod.terminated()).toContain("ECONNREFUSED");
  });

  test("a certificate of another authority", async () => {
    await using pod = await usePod();
    await using server = await startServer({ tls: createCertificate(), answer: serve(bundle) });
    const env = { POLICY_BUNDLE_URL: server.origin, POLICY_SYNC_CA: createCertificate().cert };
    expect(await pod.run(env)).toBe(1);
    expect(await pod.terminated()).toMatch(/self-signed certificate|unable to verify/);
    expect(server.requests.all).toEqual([]);
  });

  test("no signature where a key is configured", async () => {
    await using pod = await usePod();
    await using server = await startServer({ answer: serve(bundle) });
    const env = { POLICY_BUNDLE_URL: server.origin, POLICY_VERIFICATION_KEY: "k" };
    expect(await pod.run(env)).toBe(1);
    expect(await pod.terminated()).toBe(
      "bundle_signature: Cannot accept bundle: it is not signed\n",
    );
  });

  test("no POLICY_BUNDLE_URL", async () => {
    await using pod = await usePod();
    expect(await pod.run({})).toBe(1);
    expect(await pod.terminated()).toContain("POLICY_BUNDLE_URL is not set");
  });
});

describe("with POLICY_SYNC_URL", () => {
  const POLICY_SYNC_URL = "wss://bridge.invalid/v1/sync";

  test("a server that is away keeps no pod from starting", async () => {
    await using pod = await usePod();
    expect(await pod.run({ POLICY_SYNC_URL, POLICY_BUNDLE_URL: "http://127.0.0.1:1/x" })).toBe(0);
    expect(pod.logged()).toContain("everything is refused until POLICY_SYNC_URL delivers one");
    expect(await pod.terminated()).toContain("bundle_unreachable: ");
  });

  test("a bundle that is not there yet is not waited for", async () => {
    await using pod = await usePod();
    await using server = await startServer({});
    expect(await pod.run({ POLICY_SYNC_URL, POLICY_BUNDLE_URL: server.origin })).toBe(0);
    expect(pod.waits).toEqual([]);
  });

  test("a bad bundle does", async () => {
    await using pod = await usePod();
    await using server = await startServer({ answer: serve(Buffer.from("x")) });
    expect(await pod.run({ POLICY_SYNC_URL, POLICY_BUNDLE_URL: server.origin })).toBe(1);
  });
});

describe("a pod whose init containers run again", () => {
  test("goes on with the bundle that it has when the server is away", async () => {
    await using pod = await usePod();
    await writeFile(join(pod.directory, "bundle.tar.gz"), bundle);
    expect(await pod.run({ POLICY_BUNDLE_URL: "http://127.0.0.1:1/x" })).toBe(0);
    expect(pod.logged()).toContain("the one from before goes on");
  });

  test("does not go on with one that cannot be enforced", async () => {
    await using pod = await usePod();
    await writeFile(join(pod.directory, "bundle.tar.gz"), "x");
    expect(await pod.run({ POLICY_BUNDLE_URL: "http://127.0.0.1:1/x" })).toBe(1);
  });

  test("does not go on when the server has a bad one: that would hide it", async () => {
    await using pod = await usePod();
    await writeFile(join(pod.directory, "bundle.tar.gz"), bundle);
    await using server = await startServer({ answer: serve(Buffer.from("x")) });
    expect(await pod.run({ POLICY_BUNDLE_URL: server.origin })).toBe(1);
    expect(await pod.stored()).toEqual(Buffer.from(bundle));
  });
});

test("a directory that cannot be written is said so, whoever runs the test", async () => {
  await using directory = await useDirectory();
  await writeFile(join(directory.path, "file"), "");
  await chmod(directory.path, 0o755);
  await expect(
    replaceFile(join(directory.path, "file/bundle.tar.gz"), Buffer.from("x")),
  ).rejects.toMatchObject({ code: "bundle_unwritable" });
});

const bothAt = (origin: string): Env => ({
  POLICY_BUNDLE_URL: `${origin}/policy.tar.gz, ${origin}/more/teams.tar.gz`,
});

describe("several bundles", () => {
  let policy: Uint8Array;
  let teams: Uint8Array;
  beforeAll(async () => {
    policy = await buildBundle({
      "authz.rego": "package envoy.authz\nallow if data.teams.x",
      ".manifest": manifest({ roots: ["envoy"] }),
    });
    const body = Buffer.from(manifest({ roots: ["teams"] }));
    teams = await packEntries([{ header: { name: ".manifest" }, body }]);
  });

  test("are all stored when they go together", async () => {
    await using pod = await usePod();
    await using server = await startServer({
      answer: (request, response) =>
        response.end(request.url === "/policy.tar.gz" ? policy : teams),
    });
    expect(await pod.run(bothAt(server.origin))).toBe(0);
    expect(await pod.files()).toEqual(["bundle.tar.gz", "teams.tar.gz.bundle", "termination-log"]);
    expect(await pod.stored()).toEqual(Buffer.from(policy));
  });

  test("are not stored at all when they do not", async () => {
    await using pod = await usePod();
    await using server = await startServer({ answer: serve(policy) });
    expect(await pod.run(bothAt(server.origin))).toBe(1);
    expect(await pod.terminated()).toContain(
      'root "envoy" of "policy.tar.gz" and root "envoy" of "teams.tar.gz" overlap',
    );
    expect(await pod.files()).toEqual(["termination-log"]);
  });

  test("are not stored when one cannot be had", async () => {
    await using pod = await usePod();
    await using server = await startServer({
      answer: (request, response) =>
        request.url === "/policy.tar.gz" ? response.end(policy) : response.writeHead(404).end(),
    });
    expect(await pod.run(bothAt(server.origin))).toBe(1);
    expect(await pod.files()).toEqual(["termination-log"]);
  });
});

const buildWith = async (serial: number): Promise<Uint8Array> =>
  await buildBundle({
    ...simpleSources(),
    ".manifest": manifest({ metadata: { bouncer: { serial } } }),
  });

test("with POLICY_REFUSE_OLDER, an older bundle does not take the place of the one from before", async () => {
  const [older, newer] = [await buildWith(1), await buildWith(2)];
  await using pod = await usePod();
  let content = newer;
  await using server = await startServer({
    answer: (_request, response) => response.end(content),
  });
  const env = { POLICY_BUNDLE_URL: server.origin, POLICY_REFUSE_OLDER: "true" };
  expect(await pod.run(env)).toBe(0);
  content = older;
  expect(await pod.run(env)).toBe(0);
  expect(await pod.stored()).toEqual(Buffer.from(newer));
  expect(await pod.terminated()).toContain("bundle_older: ");
  content = bundle;
  await using fresh = await usePod();
  expect(await fresh.run(env)).toBe(1);
  expect(await fresh.terminated()).toContain("metadata.bouncer.serial");
});

test("keys are read from their file, for every bundle", async () => {
  await using pod = await usePod();
  const signing = ["--signing-key", "s3cret", "--signing-alg", "HS256"];
  const signed = await buildBundle(simpleSources(), ...signing);
  await using server = await startServer({ answer: serve(signed) });
  const file = join(pod.directory, "keys.json");
  const env = { POLICY_BUNDLE_URL: server.origin, POLICY_VERIFICATION_KEYS_FILE: file };
  const key = { key: "s3cret", algorithm: "HS256" };
  for (const [content, code] of [
    ["{", 1],
    [JSON.stringify({ other: key }), 1],
    [JSON.stringify({ default: { ...key, key: "another" } }), 1],
    [JSON.stringify({ other: { ...key, key: "another" }, default: key }), 0],
  ] as const) {
    await writeFile(file, content);
    expect(await pod.run(env)).toBe(code);
  }
  expect(await pod.terminated()).toContain("bundle_signature: ");
  expect(await pod.run({ ...env, POLICY_VERIFICATION_KEYS_FILE: "/nowhere" })).toBe(1);
});
