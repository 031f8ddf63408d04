/** Events over real sockets: on whom, what they say, and that nobody ever waits for one. */
import * as v from "valibot";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemTimer } from "../../src/loop.ts";
import type { Config } from "../../src/config.ts";
import type { FakeApi } from "./fake-api.ts";
import {
  caBundle,
  measured,
  metricsOf,
  paths,
  pod,
  post,
  ready,
  responseOf,
  review,
  startCluster,
  startReplica,
} from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
let replica: Replica;
let isRunning = false;

beforeEach(async () => {
  api = await startCluster();
});

afterEach(async () => {
  await stop();
  await api.close();
});

async function stop(): Promise<void> {
  if (isRunning) await replica.close();
  isRunning = false;
}

async function start(changed: Partial<Config> = {}): Promise<void> {
  const timer = {
    after: (ms: number, callback: () => void) =>
      // The pauses between attempts to write; everything else as long as it is.
      systemTimer.after(ms === 1000 || ms === 2000 ? 1 : ms, callback),
  };
  replica = await startReplica(api, { timer }, changed);
  isRunning = true;
  await ready(replica);
}

async function admit(metadata: object, request: object = {}) {
  const object = { ...pod, metadata };
  const body = review({ object, ...request });
  return responseOf(await post(replica.port, body, { ca: caBundle(api) ?? "" }));
}

const eventSchema = v.looseObject({
  reason: v.string(),
  message: v.string(),
  involvedObject: v.looseObject({ kind: v.string(), name: v.string() }),
});
const eventsIn = (namespace: string) =>
  api.list(paths.events(namespace)).map((event) => v.parse(eventSchema, event));

const owned = (kind: string, name: string, uid: string) => ({
  generateName: `${name}-`,
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid, controller: true }],
});

test("a pod of a ReplicaSet is told of its Deployment, once for all its pods", async () => {
  for (const name of ["web-1", "web-2"]) {
    api.put(`/apis/apps/v1/namespaces/shop/replicasets/${name}`, {
      metadata: { uid: `${name}-uid`, ...owned("Deployment", "web", "web-uid") },
    });
  }
  await start();
  for (const name of ["web-1", "web-1", "web-2"]) {
    await admit(owned("ReplicaSet", name, `${name}-uid`));
  }
  await measured(replica, 'bouncer_injector_events_total{result="repeated"} 2');
  expect(eventsIn("shop")).toMatchObject([
    {
      apiVersion: "v1",
      kind: "Event",
      metadata: { annotations: { "bouncer.dev/reason": "injected" } },
      involvedObject: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        namespace: "shop",
        name: "web",
        uid: "web-uid",
      },
      type: "Normal",
      reason: "BouncerInjected",
      count: 1,
      source: { component: "bouncer-injector" },
    },
  ]);
  expect(api.requests.filter((line) => line.includes("/replicasets/web-1"))).toHaveLength(1);
});

test("a ReplicaSet of that name that is another one by now has no say", async () => {
  api.put("/apis/apps/v1/namespaces/shop/replicasets/web-1", {
    metadata: { uid: "newer", ...owned("Deployment", "web", "web-uid") },
  });
  await start();
  await admit(owned("ReplicaSet", "web-1", "older"));
  await measured(replica, 'bouncer_injector_events_total{result="written"} 1');
  expect(eventsIn("shop")).toMatchObject([{ involvedObject: { name: "web-1", uid: "older" } }]);
});

test("what is denied, skipped or warned about is a warning with what to do", async () => {
  await start();
  const statefulSet = owned("StatefulSet", "db", "db-uid");
  await admit({ ...statefulSet, annotations: { "bouncer.dev/preset": "huge" } });
  await admit({ ...statefulSet, annotations: { "bouncer.dev/prest": "small" } });
  await admit({ ...statefulSet, annotations: { "bouncer.dev/inject": "false" } });
  await measured(replica, 'bouncer_injector_events_total{result="written"} 3');
  const told = eventsIn("shop").map(({ reason, message }) => `${reason}: ${message}`);
  expect(told).toEqual([
    expect.stringMatching(/^BouncerDenied: .*bouncer\.dev\/preset.*"huge".* Correct the value/),
    expect.stringMatching(/^BouncerInjected: /),
    expect.stringMatching(/^BouncerUnknownAnnotation: .*bouncer\.dev\/prest/),
  ]);
});

test("a dry run leaves no trace", async () => {
  await start();
  expect(await admit(owned("StatefulSet", "db", "1"), { dryRun: true })).toHaveProperty("patch");
  await stop();
  expect(eventsIn("shop")).toEqual([]);
});

test.each([
  { metadata: { name: "shell" }, kind: "Pod", name: "shell" },
  { metadata: { generateName: "shell-" }, kind: "Namespace", name: "shop" },
])("a pod without a controller is told of its $kind", async ({ metadata, kind, name }) => {
  await start();
  await admit(metadata);
  await measured(replica, 'bouncer_injector_events_total{result="written"} 1');
  expect(eventsIn("shop")).toMatchObject([{ involvedObject: { kind, name, namespace: "shop" } }]);
  expect(eventsIn("shop")[0]?.involvedObject).not.toHaveProperty("uid");
});

test("a failure that passes is survived, one that stays is counted, and no pod waits", async () => {
  let failures = 2;
  api.intercept(async (_method, path) => {
    if (!path.endsWith("/events") || failures === 0) return undefined;
    failures -= 1;
    return failures === 1 ? 500 : 0;
  });
  await start();
  expect(await admit(owned("StatefulSet", "a", "1"))).toMatchObject({ allowed: true });
  await measured(replica, 'bouncer_injector_events_total{result="written"} 1');
  failures = Number.POSITIVE_INFINITY;
  expect(await admit(owned("StatefulSet", "b", "2"))).toMatchObject({ allowed: true });
  await measured(replica, 'bouncer_injector_events_total{result="failed"} 1');
  expect(replica.lines).toContainEqual(
    expect.objectContaining({ msg: "event not written", name: "b", reason: "BouncerInjected" }),
  );
});

test("what is forbidden is asked for once only", async () => {
  let asked = 0;
  api.intercept(async (_method, path) => {
    if (!path.endsWith("/events")) return undefined;
    asked += 1;
    return 403;
  });
  await start();
  await admit(owned("StatefulSet", "a", "1"));
  await measured(replica, 'bouncer_injector_events_total{result="failed"} 1');
  expect(asked).toBe(1);
});

test("what waits is written before the replica ends", async () => {
  const released = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  api.intercept((_method, path) => {
    if (!path.endsWith("/events")) return Promise.resolve(undefined);
    asked.resolve();
    return released.promise;
  });
  await start();
  await admit(owned("StatefulSet", "a", "1"));
  await admit(owned("StatefulSet", "b", "2"));
  await asked.promise;
  const closed = stop();
  released.resolve(undefined);
  await closed;
  expect(eventsIn("shop").map(({ involvedObject }) => involvedObject.name)).toEqual(["a", "b"]);
});

test("switched off, nothing is written", async () => {
  await start({ events: false });
  await admit(owned("StatefulSet", "a", "1"));
  expect(await metricsOf(replica)).not.toContain("bouncer_injector_events_total{");
  await stop();
  expect(eventsIn("shop")).toEqual([]);
});
