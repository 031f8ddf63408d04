import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { statusIntervalMs } from "bouncer-bridge/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { linkTiming } from "../../../src/sync/link.ts";
import { buildBundle, simpleSources } from "../policy/opa.ts";
import { decideNow, requestOf, useDirectory } from "../policy/setting.ts";
import { createCertificate, Events, startServer } from "./server.ts";
import { hintTo, sha256, startPolicy } from "./setting.ts";

let one: Uint8Array;
let two: Uint8Array;
beforeAll(async () => {
  [one, two] = await Promise.all([
    buildBundle(simpleSources("one")),
    buildBundle(simpleSources("two")),
  ]);
});

/** A bridge that serves what it is told to, at any path. */
async function startBridge(options: Omit<Parameters<typeof startServer>[0], "answer"> = {}) {
  const content = { bytes: one };
  const server = await startServer({
    ...options,
    answer: (_request, response) => response.end(content.bytes),
  });
  return Object.assign(server, { content, url: `${server.origin.replace("http", "ws")}/v1/sync` });
}

/** A status of the one bundle, as it is sent when nothing was decided meanwhile. */
function statusOf(bundle: Readonly<Record<string, unknown>>) {
  const bundles = [{ bundle: "policy.tar.gz", candidate: null, ...bundle }];
  return { kind: "status", bundles, decisions: 0, refused: 0 };
}

/** What a status says of the one bundle. */
const statusWith = (bundle: Readonly<Record<string, unknown>>) => ({ bundles: [bundle] });

const isBackoff = (ms: number): boolean => ms !== linkTiming.heartbeatMs && ms !== statusIntervalMs;
const isHeartbeat = (ms: number): boolean => ms === linkTiming.heartbeatMs;

test("greets, pulls what is announced over TLS with its token, reports, and follows changes", async () => {
  const tls = createCertificate();
  await using bridge = await startBridge({ tls });
  await using setting = await startPolicy(bridge.url, {
    POLICY_SYNC_CA: tls.cert,
    POLICY_SYNC_CLIENT_TOKEN: "t0ken",
  });
  const socket = await bridge.sockets.take();
  expect((await bridge.hellos.take()).headers.authorization).toBe("Bearer t0ken");
  expect(await bridge.messages.take()).toEqual({
    kind: "hello",
    protocol: 2,
    bouncer: "shop/orders-1",
    version: "1.2.3",
    bundles: ["policy.tar.gz"],
  });
  expect(decideNow(setting.policy, requestOf(), null).verdict).toMatchObject({
    reason: "no_policy",
  });

  socket.send(hintTo(one));
  expect(await bridge.messages.take()).toEqual({
    ...statusOf({ revision: "one", sha256: sha256(one), error: null }),
    decisions: 1,
    refused: 1,
  });
  const request = await bridge.requests.take();
  expect([request.url, request.headers.authorization]).toEqual([
    "/bundles/policy.tar.gz",
    "Bearer t0ken",
  ]);
  expect(decideNow(setting.policy, requestOf(), null).verdict.kind).toBe("allow");

  bridge.content.bytes = two;
  socket.send(hintTo(two, { url: `${bridge.origin}/elsewhere/policy.tar.gz` }));
  expect(await bridge.messages.take()).toMatchObject(statusWith({ revision: "two", error: null }));
  expect(setting.policy.status()).toMatchObject({
    bundle: { name: "policy.tar.gz", revision: "two", sha256: sha256(two) },
    sync: { kind: "bridge", connected: true, error: null },
  });
});

test("what is enforced already is reported, not pulled", async () => {
  await using bridge = await startBridge();
  await using setting = await startPolicy(bridge.url);
  const socket = await bridge.sockets.take();
  await bridge.messages.take();
  for (let count = 0; count < 2; count += 1) {
    socket.send(hintTo(one));
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ sha256: sha256(one), error: null }),
    );
  }
  expect(bridge.requests.all.length).toBe(1);
  expect(setting.revision()).toBe("one");
});

describe("an announcement", () => {
  test.each([
    ["another host", "http://127.0.0.1:1/bundles/policy.tar.gz"],
    ["another host without a scheme", "//127.0.0.1:1/bundles/policy.tar.gz"],
    ["another scheme", "file:///etc/passwd"],
    ["credentials", "http://user:password@HOST/bundles/policy.tar.gz"],
    ["no URL", "http://["],
  ])("that leads to %s is not followed", async (_name, url) => {
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    socket.send(hintTo(one, { url: url.replace("HOST", bridge.origin.slice("http://".length)) }));
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ sha256: null, error: "bundle_invalid" }),
    );
    expect(bridge.requests.all).toEqual([]);
    expect(setting.policy.status().sync.error?.message).toContain("Cannot follow hint");
  });

  test("of another content than is served is followed when both agree", async () => {
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    socket.send(hintTo(two));
    expect(await bridge.messages.take()).toMatchObject(statusWith({ error: "bundle_unreachable" }));
    expect(setting.policy.status().sync.error?.message).toContain("announced was");
    bridge.content.bytes = two;
    await setting.timing.tick(isBackoff);
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ revision: "two", error: null }),
    );
  });

  test("of a bundle that cannot be enforced leaves the last good one", async () => {
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    socket.send(hintTo(one));
    await bridge.messages.take();
    bridge.content.bytes = Buffer.from("broken");
    socket.send(hintTo(bridge.content.bytes));
    expect(await bridge.messages.take()).toEqual(
      statusOf({ revision: "one", sha256: sha256(one), error: "bundle_invalid" }),
    );
    expect(decideNow(setting.policy, requestOf(), null).verdict.kind).toBe("allow");
    bridge.content.bytes = two;
    socket.send(hintTo(two));
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ revision: "two", error: null }),
    );
    expect(setting.policy.status().sync.error).toBeNull();
  });

  test("that is overtaken by the next: the last one is what is enforced", async () => {
    const held = new Events<ServerResponse>();
    await using server = await startServer({ answer: (_request, response) => held.push(response) });
    await using setting = await startPolicy(`${server.origin.replace("http", "ws")}/v1/sync`);
    const socket = await server.sockets.take();
    await server.messages.take();
    socket.send(hintTo(one));
    const first = await held.take();
    socket.send(hintTo(one, { revision: "skipped", sha256: "0".repeat(64) }));
    socket.send(hintTo(two));
    const pong = once(socket, "pong");
    socket.ping();
    await pong;
    first.end(one);
    expect(await server.messages.take()).toMatchObject(statusWith({ revision: "one" }));
    (await held.take()).end(two);
    expect(await server.messages.take()).toMatchObject(
      statusWith({ revision: "two", error: null }),
    );
    expect(server.requests.all.length).toBe(2);
    expect(setting.revision()).toBe("two");
  });

  test("that is not of the protocol is passed over", async () => {
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    for (const text of ["", "{", "[]", '{"kind":"news"}', hintTo(one, { sha256: "x" })]) {
      socket.send(text);
    }
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(hintTo(one));
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ revision: "one", error: null }),
    );
    expect(setting.revision()).toBe("one");
  });
});

describe("the link", () => {
  test("comes back after it was cut, with the token of then, and catches up", async () => {
    await using directory = await useDirectory();
    const tokenFile = join(directory.path, "token");
    await writeFile(tokenFile, "first");
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url, {
      POLICY_SYNC_CLIENT_TOKEN_FILE: tokenFile,
    });
    const socket = await bridge.sockets.take();
    expect((await bridge.hellos.take()).headers.authorization).toBe("Bearer first");
    await bridge.messages.take();
    socket.send(hintTo(one));
    await bridge.messages.take();

    expect((await bridge.requests.take()).headers.authorization).toBe("Bearer first");

    // The kubelet renews it while the link is up: the next pull is with the new one.
    await writeFile(tokenFile, "renewed");
    bridge.content.bytes = two;
    socket.send(hintTo(two));
    await bridge.messages.take();
    expect((await bridge.requests.take()).headers.authorization).toBe("Bearer renewed");

    await writeFile(tokenFile, "second");
    bridge.content.bytes = one;
    bridge.cut();
    expect(await setting.timing.tick(isBackoff)).toBe(500);
    const again = await bridge.sockets.take();
    expect((await bridge.hellos.take()).headers.authorization).toBe("Bearer second");
    expect(await bridge.messages.take()).toMatchObject({ kind: "hello" });
    again.send(hintTo(two));
    expect(await bridge.messages.take()).toMatchObject(
      statusWith({ revision: "two", error: null }),
    );
    expect(setting.policy.status().sync.connected).toBe(true);
  });

  test("is tried ever less often while nobody is there; the policy goes on", async () => {
    const gone = await startBridge();
    await gone[Symbol.asyncDispose]();
    await using setting = await startPolicy(gone.url);
    const waits: number[] = [];
    for (let count = 0; count < 5; count += 1) waits.push(await setting.timing.tick(isBackoff));
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(setting.policy.status().sync).toMatchObject({
      connected: false,
      error: { code: "sync_unreachable" },
    });
    expect(setting.policy.status().sync.error?.message).toContain("ECONNREFUSED");
  });

  test.each([
    ["a bridge that refuses the token", 401, "the server answered with status 401"],
    ["a server that is no bridge", 200, "the server answered with status 200"],
  ])("to %s does not come about, and the status says why", async (_name, status, reason) => {
    await using server = await startServer({ refuseUpgrade: status });
    await using setting = await startPolicy(`${server.origin.replace("http", "ws")}/v1/sync`);
    await setting.timing.tick(isBackoff);
    expect(setting.policy.status().sync.error?.message).toContain(reason);
  });

  test("to a server with a certificate of another authority does not come about", async () => {
    await using bridge = await startBridge({ tls: createCertificate() });
    await using setting = await startPolicy(bridge.url, {
      POLICY_SYNC_CA: createCertificate().cert,
    });
    await setting.timing.tick(isBackoff);
    expect(setting.policy.status().sync.error?.message).toMatch(/self-signed|unable to verify/);
    expect(bridge.hellos.all).toEqual([]);
  });

  test("that never gets an answer to its handshake is given up", async () => {
    await using server = await startServer({ refuseUpgrade: 0 });
    await using setting = await startPolicy(`${server.origin.replace("http", "ws")}/v1/sync`);
    await server.hellos.take();
    for (let count = 0; count < 4; count += 1) await setting.timing.tick(isHeartbeat);
    await setting.timing.tick(isBackoff);
    expect(setting.policy.status().sync.error?.message).toContain("nothing was heard of it");
  });

  test("needs the token that is configured", async () => {
    await using bridge = await startBridge();
    await using setting = await startPolicy(bridge.url, {
      POLICY_SYNC_CLIENT_TOKEN_FILE: "/nowhere/token",
    });
    await setting.timing.tick(isBackoff);
    expect(setting.policy.status().sync.error?.message).toBe('Cannot read token "/nowhere/token"');
    expect(bridge.hellos.all).toEqual([]);
  });

  test("is given up when the other side falls silent", async () => {
    await using bridge = await startBridge({ isDeaf: true });
    await using setting = await startPolicy(bridge.url);
    await bridge.messages.take();
    for (let count = 0; count < 4; count += 1) await setting.timing.tick(isHeartbeat);
    await setting.timing.tick(isBackoff);
    await bridge.hellos.take();
    await bridge.hellos.take();
    expect(bridge.hellos.all.length).toBe(2);
  });

  test("is kept while the other side sends pings, or answers ours", async () => {
    await using bridge = await startBridge({ isDeaf: true });
    await using setting = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    for (let count = 0; count < 10; count += 1) {
      const ponged = once(socket, "pong");
      socket.ping();
      await ponged;
      await setting.timing.tick(isHeartbeat);
    }
    expect(setting.policy.status().sync.connected).toBe(true);
    expect(bridge.hellos.all.length).toBe(1);
  });

  test("ends with the policy, whatever it waits for", async () => {
    await using bridge = await startBridge();
    const connected = await startPolicy(bridge.url);
    const socket = await bridge.sockets.take();
    await bridge.messages.take();
    const closed = once(socket, "close");
    await connected[Symbol.asyncDispose]();
    await closed;
    const waiting = await startPolicy("ws://127.0.0.1:1/v1/sync");
    await waiting[Symbol.asyncDispose]();
    expect(waiting.policy.status().sync.connected).toBe(false);
  });
});

test("refresh pulls the bundle that the bridge has now", async () => {
  await using bridge = await startBridge();
  await using setting = await startPolicy(bridge.url, {
    POLICY_BUNDLE_URL: "https://elsewhere.invalid/shop.tar.gz",
  });
  await bridge.messages.take();
  await setting.policy.refresh();
  expect(await bridge.messages.take()).toMatchObject(statusWith({ revision: "one", error: null }));
  expect((await bridge.requests.take()).url).toBe("/bundles/shop.tar.gz");
  expect(setting.policy.status().bundle).toMatchObject({ name: "shop.tar.gz", revision: "one" });
});
