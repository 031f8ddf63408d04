import { beforeAll, describe, expect, test } from "vitest";
import { buildBundle, simpleSources } from "../policy/opa.ts";
import { startServer } from "./server.ts";
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
  const rest = ["modes=snapshot;wait=60", "Bearer t0ken"];
  expect(seen).toEqual([
    [undefined, ...rest],
    ['"1"', ...rest],
    ['"1"', ...rest],
    ['"2"', ...rest],
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
    expect(server.requests.all.at(-1)?.headers["prefer"]).toBe("modes=snapshot");
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
