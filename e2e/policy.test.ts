/** Story 5 and 6: a changed policy, no policy, and no bridge, under pods that go on running. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Answer, Client } from "./client.ts";
import { bridgeName, readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { publish, reachedBridge, start, stop } from "./install.ts";
import { apply, execute, pod, podAddress, rolledOut } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, buildPolicy, refused } from "./policy.ts";
import type { Ask } from "./policy.ts";
import { appPort, barePod, deployment } from "./workloads.ts";

const { appImage } = readEnvironment();
const bundleName = "policy.tar.gz";
const absentName = "absent.tar.gz";
let namespace = "";
let outside = "";
let withoutPolicy = "";
let client: Client;
let app: Pod;
/** The policy of all stories, and one that refuses what it allows. */
let usual = "";
let closed = "";

beforeAll(async () => {
  namespace = await createNamespace("policy", injected);
  outside = await createNamespace("outside");
  [usual, closed] = await Promise.all([buildPolicy("usual"), buildPolicy("closed")]);
  await apply(deployment(namespace, "orders", { image: appImage }));
  client = await createClient(outside, appImage);
  await rolledOut(namespace, "deployment/orders");
  app = await pod(namespace, "app=orders");
});

afterAll(async () => {
  await publish({ [bundleName]: usual });
  const made = [namespace, outside, withoutPolicy].filter((name) => name !== "");
  await Promise.all(made.map(deleteNamespace));
});

async function ask(target: Pod, request: Ask): Promise<Answer> {
  return client.request({
    ...request,
    url: `http://${podAddress(target)}:${appPort}${request.path}`,
  });
}

async function expectStatus(target: Pod, request: Ask, status: number): Promise<void> {
  expect(await ask(target, request)).toMatchObject({ kind: "response", status });
}

test("a changed policy takes effect in a running pod within 5 seconds, with no restart", async () => {
  await expectStatus(app, allowed, 200);
  await publish({ [bundleName]: closed });
  await reachedBridge(bundleName, closed);
  await eventually(() => expectStatus(app, allowed, 403), { timeoutMs: 5000 });
  await publish({ [bundleName]: usual });
  await reachedBridge(bundleName, usual);
  await eventually(() => expectStatus(app, allowed, 200), { timeoutMs: 5000 });
  const after = await pod(namespace, "app=orders");
  expect(after.metadata.uid).toBe(app.metadata.uid);
  const statuses = [
    ...(after.status.containerStatuses ?? []),
    ...(after.status.initContainerStatuses ?? []),
  ];
  expect(statuses.map((status) => status.restartCount)).toEqual(statuses.map(() => 0));
});

describe("no policy yet", () => {
  test("everything is refused and /ready says why, until there is one", async () => {
    const annotations = {
      "bouncer.dev/bundle-url": `https://${bridgeName}.bouncer-system.svc:8443/bundles/${absentName}`,
    };
    // On the namespace: that the author of a pod chooses its policy is for the operator to allow.
    withoutPolicy = await createNamespace("waiting", injected, annotations);
    await apply(barePod(withoutPolicy, "waiting", { image: appImage }));
    const waiting = await eventually(async () => {
      const object = await pod(withoutPolicy, "app=waiting");
      podAddress(object);
      expect(object.status.containerStatuses?.find((s) => s.name === "app")?.ready).toBe(true);
      return object;
    });
    const answer = await ask(waiting, allowed);
    expect(answer).toMatchObject({ status: 503, headers: { "x-bouncer-reason": "no_policy" } });
    const status = await client.request({ url: `http://${podAddress(waiting)}:9090/ready` });
    expect(status).toMatchObject({ kind: "response", status: 503 });
    expect(JSON.stringify(status)).toContain("no_policy");

    await publish({ [bundleName]: usual, [absentName]: usual });
    await reachedBridge(absentName, usual);
    await eventually(() => expectStatus(waiting, allowed, 200), { timeoutMs: 30_000 });
    await expectStatus(waiting, refused, 403);
  });
});

describe("the bridge is gone", () => {
  test("the last known good policy goes on", async () => {
    await stop("bridge");
    try {
      await eventually(async () => {
        const script = `fetch("http://127.0.0.1:9090/v1/status").then(async (r) => console.log(JSON.stringify(await r.json())))`;
        const text = await execute(app, "bouncer-sidecar", ["node", "-e", script]);
        expect(JSON.parse(text)).toMatchObject({ policy: { sync: { connected: false } } });
      });
      await expectStatus(app, allowed, 200);
      await expectStatus(app, refused, 403);
    } finally {
      await start("bridge");
    }
  });
});
