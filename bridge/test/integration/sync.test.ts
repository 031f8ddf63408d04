import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { packRevision } from "../archive.ts";
import {
  ask,
  askAdmin,
  bundleName,
  connectClient,
  hello,
  openSocket,
  startTestBridge,
  status as statusWith,
  type TestBridge,
} from "./support.ts";

async function startWith(
  revision: string,
  timing = { helloMs: 10_000, heartbeatMs: 20_000, closeMs: 2_000 },
) {
  return startTestBridge({ files: { [bundleName]: await packRevision(revision) }, timing });
}

async function bouncers(running: TestBridge): Promise<unknown> {
  return JSON.parse((await askAdmin(running, "/v1/bouncers")).text);
}

test.each([
  ["no token", null, 401],
  ["an unknown token", "bad", 401],
  ["a person's token", "person", 403],
  ["a token that cannot be checked", "unlucky", 503],
])("refused before the upgrade: %s", async (_name, token, status) => {
  const running = await startWith("r1");
  const socket = openSocket(running, token);
  socket.on("error", () => {});
  const response = await new Promise<IncomingMessage>((resolve) => {
    socket.on("unexpected-response", (_request, answer) => resolve(answer));
  });
  expect(response.statusCode).toBe(status);
  socket.terminate();
});

test("hello, hint, status: the bridge knows who runs what", async () => {
  const running = await startWith("r1");
  const client = await connectClient(running, "pod");
  client.say(hello("claims/another-name"));
  const etag = (await ask(running, `/bundles/${bundleName}`)).headers.etag ?? "";
  const sha256 = etag.replaceAll('"', "");
  expect(await client.next()).toEqual({
    kind: "hint",
    bundle: bundleName,
    revision: "r1",
    url: `/bundles/${bundleName}`,
    sha256,
    candidate: null,
  });
  client.say({ ...statusWith({ revision: "r1", sha256 }), decisions: 5, refused: 2 });
  await running.logged.has({ msg: "bouncer reported" });
  expect(await bouncers(running)).toMatchObject({
    bundles: [{ name: bundleName, revision: "r1", sha256, problem: null }],
    bouncers: [
      {
        bouncer: "shop/cart-1",
        subject: "system:serviceaccount:shop:default",
        version: "1.0.0",
        protocol: 2,
        decisions: 5,
        refused: 2,
        bundles: [{ bundle: bundleName, revision: "r1", sha256, error: null, current: true }],
        current: true,
      },
    ],
  });
  expect((await askAdmin(running, "/v1/bouncers")).text).toMatch(/"address":"(127\.0\.0\.1|::1)"/);
  expect((await askAdmin(running, "/metrics")).text).toContain(
    'bouncer_bridge_bouncers{bundle="policy.tar.gz",revision="r1"} 1',
  );

  client.say(statusWith({ revision: "r1", sha256, error: "bundle_invalid" }));
  expect(await running.logged.has({ error: "bundle_invalid" })).toMatchObject({
    bouncer: "shop/cart-1",
    level: 40,
  });
});

test("200 bouncers are told of a change, each once", async () => {
  const running = await startWith("r1");
  const clients = await Promise.all(Array.from({ length: 200 }, () => connectClient(running)));
  clients.forEach((client, index) => client.say(hello(`shop/cart-${index}`)));
  await Promise.all(clients.map((client) => client.next()));
  await running.bundles.write({ [bundleName]: await packRevision("r2") });
  const hints = await Promise.all(clients.map((client) => client.next()));
  expect(hints).toHaveLength(200);
  for (const hint of hints) expect(hint).toMatchObject({ kind: "hint", revision: "r2" });
  expect((await askAdmin(running, "/metrics")).text).toContain("bouncer_bridge_hints_total 400");
  for (const client of clients) client.socket.terminate();
});

test("the first bundle reaches those who have been waiting for it, other bundles do not", async () => {
  const running = await startTestBridge();
  const client = await connectClient(running);
  client.say(hello("shop/cart-1"));
  await running.logged.has({ msg: "bouncer connected" });
  await running.bundles.write({ "other.tar.gz": await packRevision("other") });
  await running.logged.has({ msg: "bundle changed" });
  await running.bundles.write({
    "other.tar.gz": await packRevision("other"),
    [bundleName]: await packRevision("r1"),
  });
  expect(await client.next()).toMatchObject({ revision: "r1" });
});

test("a bouncer of version 1 is answered in version 1, and nothing of candidates", async () => {
  const running = await startTestBridge({
    files: {
      [bundleName]: await packRevision("r1"),
      "next.tar.gz": await packRevision("r2"),
      "rollout.json": JSON.stringify({
        [bundleName]: { candidate: "next.tar.gz", percent: 100 },
      }),
    },
  });
  const client = await connectClient(running);
  client.say({
    kind: "hello",
    protocol: 1,
    bouncer: "shop/old",
    version: "0.9.0",
    bundle: bundleName,
  });
  const url = `/bundles/${bundleName}`;
  const sha256 = ((await ask(running, url)).headers.etag ?? "").replaceAll('"', "");
  expect(await client.next()).toEqual({ kind: "hint", revision: "r1", url, sha256 });
  client.say({ kind: "status", revision: "r1", sha256: "aa", error: null });
  await running.logged.has({ msg: "bouncer reported", revision: "r1" });
  expect(await bouncers(running)).toMatchObject({
    bouncers: [{ bouncer: "shop/old", protocol: 1, bundles: [{ revision: "r1", sha256: "aa" }] }],
  });
});

test("each bundle that a bouncer asks for is announced, and each change of one alone", async () => {
  const [one, two] = await Promise.all([packRevision("one"), packRevision("two")]);
  const running = await startTestBridge({ files: { "a.tar.gz": one, "b.tar.gz": two } });
  const client = await connectClient(running);
  client.say(hello("shop/cart-1", { bundles: ["b.tar.gz", "a.tar.gz", "none.tar.gz"] }));
  expect(await client.next()).toMatchObject({ bundle: "b.tar.gz", revision: "two" });
  expect(await client.next()).toMatchObject({ bundle: "a.tar.gz", revision: "one" });
  await running.bundles.write({ "a.tar.gz": await packRevision("three"), "b.tar.gz": two });
  expect(await client.next()).toMatchObject({ bundle: "a.tar.gz", revision: "three" });
  expect((await askAdmin(running, "/metrics")).text).toContain("bouncer_bridge_hints_total 3");
});

test("two replicas know nothing of each other, and both tell", async () => {
  const first = await startWith("r1");
  const second = await startTestBridge({ bundles: first.bundles });
  const clients = await Promise.all([connectClient(first), connectClient(second)]);
  for (const [index, client] of clients.entries()) client.say(hello(`shop/cart-${index}`));
  await Promise.all(clients.map((client) => client.next()));
  await first.bundles.write({ [bundleName]: await packRevision("r2") });
  const hints = await Promise.all(clients.map((client) => client.next()));
  expect(hints[0]).toEqual(hints[1]);
  expect(await bouncers(second)).toMatchObject({ bouncers: [{ bouncer: "shop/cart-1" }] });
});

test.each([
  ["not JSON", ["{"], 1008, "message_invalid"],
  ["not a message", [{ kind: "hint" }], 1008, "message_invalid"],
  ["a status before the hello", [statusWith()], 1008, "hello_missing"],
  ["another protocol", [{ kind: "hello", protocol: 3 }], 1008, "protocol_unsupported"],
  ["a hello of no bundle", [hello("a/b", { bundles: [] })], 1008, "message_invalid"],
  [
    "a bundle asked for twice",
    [hello("a/b", { bundles: [bundleName, bundleName] })],
    1008,
    "message_invalid",
  ],
  [
    "a status of a bundle not asked for",
    [hello("a/b"), statusWith({ bundle: "other.tar.gz" })],
    1008,
    "message_invalid",
  ],
  ["hello twice", [hello("a/b"), hello("a/b")], 1008, "message_invalid"],
  [
    "too many messages",
    Array.from({ length: 101 }, (_, n) => (n === 0 ? hello("a/b") : statusWith())),
    1008,
    "message_flood",
  ],
  ["a message too large", ["x".repeat(70_000)], 1009, ""],
])("ended: %s", async (_name, messages, code, reason) => {
  const running = await startWith("r1");
  const client = await connectClient(running);
  for (const message of messages) client.say(message);
  expect(await client.closed).toEqual({ code, reason });
  expect(await bouncers(running)).toMatchObject({ bouncers: [] });
});

test("ended: no hello in time", async () => {
  const running = await startWith("r1", { helloMs: 20, heartbeatMs: 20_000, closeMs: 2_000 });
  const client = await connectClient(running);
  expect(await client.closed).toEqual({ code: 1008, reason: "hello_missing" });
});

test("a bouncer that answers pings stays, one that does not is dropped", async () => {
  const running = await startWith("r1", { helloMs: 10_000, heartbeatMs: 100, closeMs: 2_000 });
  const [lively, silent] = await Promise.all([
    connectClient(running),
    connectClient(running, "good", { autoPong: false }),
  ]);
  lively.say(hello("shop/lively"));
  silent.say(hello("shop/silent"));
  expect((await silent.closed).code).toBe(1006);
  expect(await running.logged.has({ code: "peer_silent" })).toMatchObject({
    bouncer: "shop/silent",
  });
  expect(await bouncers(running)).toMatchObject({ bouncers: [{ bouncer: "shop/lively" }] });
  expect((await askAdmin(running, "/metrics")).text).toContain(
    'bouncer_bridge_dropped_total{code="peer_silent"} 1',
  );
});

test("a bouncer that reads nothing is dropped", async () => {
  const running = await startWith("r1", { helloMs: 10_000, heartbeatMs: 100, closeMs: 2_000 });
  const client = await connectClient(running);
  client.say(hello("shop/stuck"));
  await client.next();
  client.socket.pause();
  expect(await running.logged.has({ code: "peer_silent" })).toMatchObject({
    bouncer: "shop/stuck",
  });
  client.socket.terminate();
});

test("at shutdown every bouncer is told to go elsewhere", async () => {
  const running = await startWith("r1");
  const client = await connectClient(running);
  client.say(hello("shop/cart-1"));
  await client.next();
  await running.bridge.close();
  expect(await client.closed).toEqual({ code: 1001, reason: "" });
});

test("a bouncer that does not answer the close frame does not hold the shutdown up", async () => {
  const running = await startWith("r1", { helloMs: 10_000, heartbeatMs: 20_000, closeMs: 50 });
  const client = await connectClient(running);
  client.say(hello("shop/cart-1"));
  await client.next();
  client.socket.pause();
  await expect(running.bridge.close()).resolves.toBeUndefined();
  client.socket.terminate();
});
