/** Tokens that change while bouncers are connected. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { expect, test } from "vitest";
import { cacheDefaults } from "../../src/authenticate.ts";
import { fromKubeConfig } from "../../src/kube-config.ts";
import { createStaticCheck } from "../../src/static-tokens.ts";
import { createTokenReviewCheck } from "../../src/token-review.ts";
import { packRevision } from "../archive.ts";
import { reviewed, startApiServer } from "./api-server.ts";
import {
  ask,
  bundleName,
  connectClient,
  createDirectory,
  createTestLog,
  hello,
  openSocket,
  startTestBridge,
  type TestBridge,
} from "./support.ts";

const url = `/bundles/${bundleName}`;

async function statusOfUpgrade(running: TestBridge, token: string): Promise<number | undefined> {
  const socket = openSocket(running, token);
  socket.on("error", () => {});
  const answer = await new Promise<IncomingMessage>((resolve) => {
    socket.on("unexpected-response", (_request, response) => resolve(response));
  });
  socket.terminate();
  return answer.statusCode;
}

test("a token file is replaced: who is connected stays, the new token is good at once, the old one soon no more", async () => {
  const file = join(await createDirectory(), "tokens");
  const [old, fresh] = ["old-token-0123456789", "fresh-token-0123456789"];
  await writeFile(file, old);
  const clock = { now: 0 };
  const running = await startTestBridge({
    files: { [bundleName]: await packRevision("r1") },
    checkToken: createStaticCheck(file, createTestLog().log),
    now: () => clock.now,
  });
  const client = await connectClient(running, old);
  client.say(hello("shop/cart-1"));
  expect(await client.next()).toMatchObject({ revision: "r1" });

  await writeFile(file, fresh);
  expect((await ask(running, url, { token: fresh })).status).toBe(200);
  clock.now += cacheDefaults.positiveTtlMs;
  expect((await ask(running, url, { token: old })).status).toBe(401);
  expect(await statusOfUpgrade(running, old)).toBe(401);

  await running.bundles.write({ [bundleName]: await packRevision("r2") });
  expect(await client.next()).toMatchObject({ revision: "r2" });
  const again = await connectClient(running, fresh);
  again.say(hello("shop/cart-2"));
  expect(await again.next()).toMatchObject({ revision: "r2" });
  for (const one of [client, again]) one.socket.terminate();
});

const reviewSchema = v.object({ spec: v.object({ token: v.string() }) });

test("a projected token is renewed: the API server is asked about the new one, the old one ends", async () => {
  const good = new Set(["old"]);
  const { kubeConfig, requests } = await startApiServer((review) => {
    const { token } = v.parse(reviewSchema, review).spec;
    return good.has(token) ? reviewed : { ...reviewed, status: { authenticated: false } };
  });
  const clock = { now: 0 };
  const { log } = createTestLog();
  const running = await startTestBridge({
    files: { [bundleName]: await packRevision("r1") },
    checkToken: createTokenReviewCheck({
      ask: fromKubeConfig(kubeConfig),
      audience: "bouncer-bridge",
      log,
      timeoutMs: 5_000,
    }),
    now: () => clock.now,
  });
  const client = await connectClient(running, "old");
  client.say(hello("claims/another"));
  await client.next();
  expect((await ask(running, url, { token: "old" })).status).toBe(200);
  expect(requests.length).toBe(1);

  good.clear();
  good.add("renewed");
  expect((await ask(running, url, { token: "renewed" })).status).toBe(200);
  clock.now += cacheDefaults.positiveTtlMs;
  expect((await ask(running, url, { token: "old" })).status).toBe(401);
  await running.bundles.write({ [bundleName]: await packRevision("r2") });
  expect(await client.next()).toMatchObject({ revision: "r2" });
  client.socket.terminate();
});
