import { beforeAll, describe, expect, test } from "vitest";
import type { ServerResponse } from "node:http";
import { buildBundle, manifest, packEntries, simpleSources } from "../policy/opa.ts";
import { Events, startServer, type TestServer } from "./server.ts";
import { startPolicy } from "./setting.ts";

let one: Uint8Array;
let two: Uint8Array;
beforeAll(async () => {
  [one, two] = await Promise.all([
    buildBundle(simpleSources("one")),
    buildBundle(simpleSources("two")),
  ]);
});

interface Answer {
  readonly status?: number;
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that gives one answer after the other, and the last one for good. */
async function startWith(answers: Answer[]) {
  return await startServer({
    answer: (_request, response) => {
      const {
        status = 200,
        body,
        headers,
      } = (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
      response.writeHead(status, headers).end(body);
    },
  });
}

test("activates what is new, asks with its ETag, waits between polls", async () => {
  await using server = await startWith([
    { body: one, headers: { etag: '"1"' } },
    { status: 304 },
    { body: two, headers: { etag: '"2"' } },
    { status: 304 },
  ]);
  await using setting = await startPolicy(`${server.origin}/policy.tar.gz`, {
    POLICY_SYNC_CLIENT_TOKEN: "t0ken",
  });
  expect(await setting.timing.tick()).toBe(15_000);
  expect(setting.policy.status()).toMatchObject({
    bundle: { name: "policy.tar.gz", revision: "one" },
    sync: { kind: "poll", connected: true, error: null },
  });
  await setting.timing.tick();
  expect(setting.revision()).toBe("one");
  await setting.timing.tick();
  expect(setting.revision()).toBe("two");
  await setting.timing.tick();
  const seen = server.requests.all
    .slice(0, 4)
    .map(({ headers }) => [headers["if-none-match"], headers["prefer"], headers.authorization]);
  const token = "Bearer t0ken";
  expect(seen).toEqual([
    [undefined, "modes=snapshot,delta;wait=60", token],
    // The answer was not that of a server that holds requests.
    ['"1"', "modes=snapshot,delta", token],
    ['"1"', "modes=snapshot,delta", token],
    ['"2"', "modes=snapshot,delta", token],
  ]);
});

test("a server that holds requests is asked again at once, but not without a pause", async () => {
  const headers = { "content-type": "application/vnd.openpolicyagent.bundles" };
  await using server = await startWith([
    { body: one, headers: { ...headers, etag: '"1"' } },
    { body: "", headers },
    { status: 304, headers },
  ]);
  await using setting = await startPolicy(server.origin);
  for (let count = 0; count < 3; count += 1) expect(await setting.timing.tick()).toBe(500);
  expect(setting.revision()).toBe("one");
  const asked = server.requests.all.slice(0, 3).map(({ headers: sent }) => sent["if-none-match"]);
  expect(asked).toEqual([undefined, '"1"', '"1"']);
});

test("a server that held a request as long as it was asked to is asked again without a pause", async () => {
  const headers = { "content-type": "application/vnd.openpolicyagent.bundles" };
  const held = new Events<ServerResponse>();
  await using server = await startServer({ answer: (_request, response) => held.push(response) });
  await using setting = await startPolicy(server.origin);
  const response = await held.take();
  setting.timing.advance(60_000);
  response.writeHead(200, headers).end(one);
  expect(await setting.timing.tick()).toBe(0);
  expect(setting.revision()).toBe("one");
});

test.each([
  ["a time", { POLICY_POLL_MIN_SECONDS: "60", POLICY_POLL_MAX_SECONDS: "120" }, 90_000],
  ["no long polling", { POLICY_POLL_WAIT_SECONDS: "0" }, 15_000],
])("%s between polls as it is configured", async (_name, env, waited) => {
  const headers = { "content-type": "application/gzip" };
  await using server = await startWith([{ body: one, headers }]);
  await using setting = await startPolicy(server.origin, env);
  expect(await setting.timing.tick()).toBe(waited);
});

test("an ETag that the server replaces is the one that is sent then", async () => {
  await using server = await startWith([
    { body: one, headers: { etag: 'W/"1"' } },
    { status: 304, headers: { etag: '"one, again"' } },
    { status: 200, body: "" },
    { status: 304 },
  ]);
  await using setting = await startPolicy(server.origin);
  for (let count = 0; count < 4; count += 1) await setting.timing.tick();
  const asked = server.requests.all.slice(0, 4).map(({ headers }) => headers["if-none-match"]);
  expect(asked).toEqual([undefined, 'W/"1"', '"one, again"', '"one, again"']);
});

const asked = (server: TestServer): unknown[] =>
  server.requests.all.map(({ headers }) => [headers["if-none-match"], headers["prefer"]]);

describe("deltas", () => {
  const wasm = [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }];
  const delta = async (revision: string, operation: object): Promise<Uint8Array> =>
    await packEntries(
      Object.entries({
        ".manifest": manifest({ revision, roots: [""], wasm }),
        "patch.json": JSON.stringify({ data: [operation] }),
      }).map(([name, text]) => ({ header: { name }, body: Buffer.from(text) })),
    );
  const both = "modes=snapshot,delta";

  test("are taken one after the other, until there are enough of them", async () => {
    await using server = await startWith([
      { body: one, headers: { etag: "1" } },
      {
        body: await delta("1.1", { op: "upsert", path: "/list/0", value: 1 }),
        headers: { etag: "1.1" },
      },
      { status: 304 },
      {
        body: await delta("1.2", { op: "replace", path: "/list/0", value: 2 }),
        headers: { etag: "1.2" },
      },
      { body: two, headers: { etag: "2" } },
      { status: 304 },
    ]);
    await using setting = await startPolicy(server.origin, { POLICY_MAX_DELTAS: "2" });
    const revisions: unknown[] = [];
    for (let count = 0; count < 5; count += 1) {
      await setting.timing.tick();
      revisions.push([setting.revision(), setting.policy.status().bundle?.deltas]);
    }
    await setting.timing.rest();
    expect(revisions).toEqual([
      ["one", 0],
      ["1.1", 1],
      ["1.1", 1],
      ["1.2", 2],
      ["two", 0],
    ]);
    expect(asked(server)).toEqual([
      [undefined, `${both};wait=60`],
      ["1", both],
      ["1.1", both],
      ["1.1", both],
      [undefined, "modes=snapshot"],
      ["2", both],
    ]);
  });

  test("one that cannot be applied changes nothing, and the whole bundle is asked for", async () => {
    await using server = await startWith([
      { body: one, headers: { etag: "1" } },
      {
        body: await delta("1.1", { op: "remove", path: "/nothing" }),
        headers: { etag: "1.1" },
      },
      { body: one, headers: { etag: "1" } },
      { status: 304 },
    ]);
    await using setting = await startPolicy(server.origin);
    await setting.timing.tick();
    await setting.timing.tick();
    expect(setting.revision()).toBe("one");
    expect(setting.policy.status().sync.error).toMatchObject({ code: "bundle_invalid" });
    await setting.timing.tick();
    expect(setting.policy.status().sync.error).toBeNull();
    await setting.timing.tick();
    expect(asked(server).slice(0, 4)).toEqual([
      [undefined, `${both};wait=60`],
      ["1", both],
      [undefined, "modes=snapshot"],
      ["1", both],
    ]);
  });

  test.each([
    ["bundles have to be signed", { POLICY_VERIFICATION_KEY: "k" }],
    ["none is wanted", { POLICY_MAX_DELTAS: "0" }],
  ])("are not asked for where %s", async (_name, env) => {
    await using server = await startWith([{ body: one }]);
    await using setting = await startPolicy(server.origin, env);
    await setting.timing.rest();
    expect(server.requests.all[0]?.headers["prefer"]).toBe("modes=snapshot;wait=60");
  });
});

const teams = async (revision: string): Promise<Uint8Array> =>
  await packEntries(
    Object.entries({
      ".manifest": manifest({ revision, roots: ["teams"] }),
      "teams/data.json": JSON.stringify({ name: revision }),
    }).map(([name, text]) => ({ header: { name }, body: Buffer.from(text) })),
  );

const retry = (ms: number): boolean => ms < 600_000;

describe("several bundles", () => {
  let policy: Uint8Array;
  beforeAll(async () => {
    policy = await buildBundle({
      "authz.rego": `package envoy.authz
default allow := false
allow if data.teams.name`,
      ".manifest": manifest({ revision: "p", roots: ["envoy"] }),
    });
  });

  test("are polled each by itself, and enforced when all are there", async () => {
    let content: Uint8Array | null = null;
    await using server = await startServer({
      answer: (request, response) => {
        const body = request.url === "/policy.tar.gz" ? policy : content;
        response.writeHead(body === null ? 404 : 200).end(body);
      },
    });
    const urls = [`${server.origin}/policy.tar.gz`, `${server.origin}/data/teams.tar.gz`];
    await using setting = await startPolicy(urls[0] ?? "", {
      POLICY_BUNDLE_URL: urls.join(","),
      // To tell the polls from what comes after a failure.
      POLICY_POLL_MIN_SECONDS: "600",
      POLICY_POLL_MAX_SECONDS: "600",
    });
    await setting.timing.tick(retry);
    expect(setting.policy.status()).toMatchObject({
      bundle: null,
      sync: { connected: true, error: { code: "bundle_not_found" } },
    });
    content = await teams("t1");
    // The poll that has just begun gets it; the other one goes round meanwhile.
    while (setting.policy.status().bundle === null) await setting.timing.tick((ms) => !retry(ms));
    expect(setting.policy.status()).toMatchObject({
      bundle: { name: "policy.tar.gz", revision: "p" },
      bundles: [{ revision: "p" }, { name: "teams.tar.gz", revision: "t1" }],
      sync: { error: null },
    });
    content = Buffer.from("broken");
    await setting.policy.refresh();
    expect(setting.policy.status()).toMatchObject({
      bundles: [{ revision: "p" }, { revision: "t1" }],
      sync: { error: { code: "bundle_invalid" } },
    });
    content = await teams("t2");
    await setting.policy.refresh();
    expect(setting.policy.status()).toMatchObject({
      bundles: [{ revision: "p" }, { revision: "t2" }],
      sync: { error: null },
    });
  });
});

test("failures are retried ever more apart, the last good bundle goes on", async () => {
  await using server = await startWith([
    { body: one, headers: { etag: '"1"' } },
    { status: 500 },
    { status: 404 },
    { body: "broken", headers: { etag: '"broken"' } },
    { body: two },
  ]);
  await using setting = await startPolicy(server.origin);
  const waits = [await setting.timing.tick()];
  const codes: (string | undefined)[] = [];
  for (let count = 0; count < 3; count += 1) {
    waits.push(await setting.timing.tick());
    codes.push(setting.policy.status().sync.error?.code);
  }
  expect(setting.revision()).toBe("one");
  waits.push(await setting.timing.tick());
  expect(waits).toEqual([15_000, 500, 1000, 2000, 15_000]);
  expect(codes).toEqual(["bundle_unreachable", "bundle_not_found", "bundle_invalid"]);
  expect(setting.policy.status()).toMatchObject({
    bundle: { revision: "two" },
    sync: { connected: true, error: null },
  });
  // The tag of a bundle that was not activated is not ours.
  expect(server.requests.all[4]?.headers["if-none-match"]).toBe('"1"');
});

describe("refresh", () => {
  test("fetches now, without waiting for the server", async () => {
    await using server = await startWith([{ body: one }, { body: two }]);
    await using setting = await startPolicy(server.origin);
    await setting.timing.rest();
    await setting.policy.refresh();
    expect(setting.revision()).toBe("two");
    expect(server.requests.all.at(-1)?.headers["prefer"]).toBe("modes=snapshot,delta");
  });

  test("that fails says so in the status", async () => {
    await using server = await startWith([{ body: one }, { status: 503 }]);
    await using setting = await startPolicy(server.origin);
    await setting.timing.tick();
    await setting.policy.refresh();
    expect(setting.policy.status().sync.error).toMatchObject({ code: "bundle_unreachable" });
    expect(setting.revision()).toBe("one");
  });
});

test("closing ends a poll that the server holds", async () => {
  await using server = await startServer({ answer: () => undefined });
  await using setting = await startPolicy(server.origin);
  await server.requests.take();
  await setting.policy.close();
  expect(setting.policy.status().bundle).toBeNull();
});
