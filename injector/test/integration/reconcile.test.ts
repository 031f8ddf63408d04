/** The count of unprotected pods over real sockets: by one replica at a time, with or without evictions. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reasons } from "../../src/admission/reasons.ts";
import type { Config } from "../../src/config.ts";
import { systemTimer } from "../../src/loop.ts";
import type { WebhookWorld } from "../../src/webhook.ts";
import type { FakeApi } from "./fake-api.ts";
import { measured, metricsOf, paths, pod, ready, startCluster, startReplica } from "./fixture.ts";
import type { Replica } from "./fixture.ts";

let api: FakeApi;
const replicas = new Set<Replica>();

beforeEach(async () => {
  api = await startCluster();
});

afterEach(async () => {
  await Promise.all([...replicas].map(stop));
  await api.close();
});

async function stop(replica: Replica): Promise<void> {
  if (replicas.delete(replica)) await replica.close();
}

/** Seconds are ten milliseconds: the Lease is renewed 20 times a second. */
const timer = {
  after: (ms: number, callback: () => void) => systemTimer.after(ms / 100, callback),
};

async function start(
  changed: Partial<Config> = {},
  world: Partial<WebhookWorld> = {},
): Promise<Replica> {
  const replica = await startReplica(
    api,
    { timer, ...world },
    { reconcileIntervalMs: 5000, ...changed },
  );
  replicas.add(replica);
  return replica;
}

const owner = (kind: string, name: string) => ({
  ownerReferences: [
    { apiVersion: "apps/v1", kind, name, uid: `${kind}-${name}`, controller: true },
  ],
});
const replicaSet = owner("ReplicaSet", "web-1");
const sidecar = { name: "bouncer-sidecar", restartPolicy: "Always" };

interface Given {
  readonly namespace?: string;
  readonly metadata?: object;
  readonly spec?: object;
  readonly phase?: string;
}

function putPod(name: string, given: Given = {}): void {
  const { namespace = "shop", metadata = replicaSet, spec = {}, phase = "Running" } = given;
  api.put(paths.pod(namespace, name), {
    metadata: {
      namespace,
      uid: `${name}-uid`,
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...metadata,
    },
    spec: { ...pod.spec, ...spec },
    status: { phase },
  });
}

const unprotected = (namespace: string, count: number): string =>
  `bouncer_injector_unprotected_pods{namespace="${namespace}"} ${count}`;
const leftOut = (namespace: string, reason: string, count: number): string =>
  `bouncer_injector_left_out_pods{namespace="${namespace}",reason="${reason}"} ${count}`;
const evictions = (result: string, count: number): string =>
  `bouncer_injector_evictions_total{result="${result}"} ${count}`;
const isLeader = "bouncer_injector_leader 1";
const leads = async (replica: Replica): Promise<boolean> =>
  (await metricsOf(replica)).split("\n").includes(isLeader);
const posts = (end: string): number =>
  api.requests.filter((line) => line.startsWith("POST") && line.endsWith(end)).length;

describe("the count", () => {
  test("is of running pods that should have a bouncer, in whichever list", async () => {
    putPod("bare");
    putPod("native", { spec: { initContainers: [sidecar] } });
    putPod("classic", { spec: { containers: [sidecar, ...pod.spec.containers] } });
    putPod("opted-out", {
      metadata: { ...replicaSet, annotations: { "bouncer.dev/inject": "false" } },
    });
    for (const name of ["host", "host-2"]) putPod(name, { spec: { hostNetwork: true } });
    putPod("windows", { spec: { os: { name: "windows" } } });
    putPod("host-done", { spec: { hostNetwork: true }, phase: "Succeeded" });
    putPod("done", { phase: "Succeeded" });
    putPod("failed", { phase: "Failed" });
    putPod("going", { metadata: { ...replicaSet, deletionTimestamp: "2026-01-01T00:00:01Z" } });
    putPod("new", { metadata: { creationTimestamp: new Date().toISOString() } });
    api.put(paths.namespace("other"), {});
    putPod("elsewhere", { namespace: "other" });
    const replica = await start();
    await measured(replica, unprotected("shop", 1));
    const metrics = await metricsOf(replica);
    expect(metrics).toContain(leftOut("shop", "opted_out", 1));
    expect(metrics).toContain(leftOut("shop", "host_network", 2));
    expect(metrics).toContain(leftOut("shop", "windows", 1));
    expect(metrics).toContain(leftOut("shop", "never_selected", 0));
    expect(metrics).not.toContain('namespace="other"');
    expect(metrics).toMatch(/bouncer_injector_reconcile_completed_timestamp_seconds \d+/);
    expect(metrics).toMatch(/bouncer_injector_reconcile_duration_seconds [\d.]+/);
  });

  test("goes page by page, returns to 0, and leaves with the namespace", async () => {
    for (let index = 0; index < 250; index += 1) putPod(`bare-${index}`);
    const replica = await start();
    await measured(replica, unprotected("shop", 250));
    for (let index = 0; index < 250; index += 1) api.remove(paths.pod("shop", `bare-${index}`));
    await measured(replica, unprotected("shop", 0));
    api.remove(paths.namespace("shop"));
    while ((await metricsOf(replica)).includes(unprotected("shop", 0))) await turn();
    expect(await metricsOf(replica)).not.toContain('namespace="shop"');
  });

  test("includes the namespaces of a revision that nobody serves", async () => {
    const labels = { "bouncer-injection": "enabled", "bouncer.dev/rev": "gone" };
    api.put(paths.namespace("left"), { metadata: { labels } });
    putPod("orphan", { namespace: "left" });
    const replica = await start({ evictUnprotected: true });
    await ready(replica);
    await measured(replica, unprotected("left", 1));
    const completed = /reconcile_completed_timestamp_seconds (\d+\.\d+)/;
    const first = completed.exec(await metricsOf(replica))?.[1];
    while (completed.exec(await metricsOf(replica))?.[1] === first) await turn();
    // Its new pods would have no bouncer either.
    expect(posts("/eviction")).toBe(0);
  });

  test("is told by one Event on the Deployment", async () => {
    api.put("/apis/apps/v1/namespaces/shop/replicasets/web-1", {
      metadata: { uid: "ReplicaSet-web-1", ...owner("Deployment", "web") },
    });
    for (const name of ["a", "b", "c"]) putPod(name);
    const replica = await start();
    await measured(replica, 'bouncer_injector_events_total{result="written"} 1');
    expect(api.list(paths.events("shop"))).toMatchObject([
      {
        type: "Warning",
        reason: "BouncerUnprotected",
        involvedObject: { kind: "Deployment", name: "web" },
      },
    ]);
  });

  test("tells of what is left out without anybody's wish, by one Event on the owner", async () => {
    const metadata = owner("DaemonSet", "agent");
    for (const name of ["a", "b"]) putPod(name, { metadata, spec: { hostNetwork: true } });
    putPod("by-hand", { metadata: {}, spec: { os: { name: "windows" } } });
    putPod("opted-out", { metadata: { annotations: { "bouncer.dev/inject": "false" } } });
    const replica = await start({ evictUnprotected: true });
    await ready(replica);
    await measured(replica, leftOut("shop", "host_network", 2));
    await measured(replica, 'bouncer_injector_events_total{result="written"} 2');
    expect(api.list(paths.events("shop"))).toMatchObject([
      {
        metadata: { annotations: { "bouncer.dev/reason": "host_network" } },
        type: "Warning",
        reason: "BouncerSkipped",
        message: `${reasons.host_network.sentence} ${reasons.host_network.fix}`,
        involvedObject: { kind: "DaemonSet", name: "agent" },
      },
      {
        metadata: { annotations: { "bouncer.dev/reason": "windows" } },
        reason: "BouncerSkipped",
        involvedObject: { kind: "Pod", name: "by-hand", uid: "by-hand-uid" },
      },
    ]);
    expect(await metricsOf(replica)).toContain(unprotected("shop", 0));
    expect(posts("/eviction")).toBe(0);
    for (const name of ["a", "b"]) api.remove(paths.pod("shop", name));
    await measured(replica, leftOut("shop", "host_network", 0));
    api.remove(paths.namespace("shop"));
    while ((await metricsOf(replica)).includes(leftOut("shop", "windows", 1))) await turn();
    expect(await metricsOf(replica)).not.toContain('namespace="shop"');
  });

  test("outlives an API server that is gone for a while", async () => {
    putPod("bare");
    putPod("host", { spec: { hostNetwork: true } });
    const replica = await start();
    await measured(replica, unprotected("shop", 1));
    let isGone = true;
    api.intercept(async () => (isGone ? 0 : undefined));
    while (!/reconcile_failures_total [1-9]/.test(await metricsOf(replica))) await turn();
    // What was known stays, as long as it leads.
    expect(await metricsOf(replica)).toContain(unprotected("shop", 1));
    expect(await metricsOf(replica)).toContain(leftOut("shop", "host_network", 1));
    isGone = false;
    putPod("another");
    await measured(replica, unprotected("shop", 2));
  });

  test("is not taken without the rights, and the webhook serves all the same", async () => {
    api.intercept(async (_method, path) =>
      path.includes("/leases") || path.endsWith("/pods") ? 403 : undefined,
    );
    const replica = await start();
    await ready(replica);
    expect(await metricsOf(replica)).toContain("bouncer_injector_leader 0");
    expect(replica.lines).toContainEqual(expect.objectContaining({ msg: "lease not renewed" }));
  });

  test("is not taken at all when it is switched off", async () => {
    const replica = await start({ reconcileIntervalMs: 0 });
    await ready(replica);
    expect(api.requests.filter((line) => /leases|pods$/.test(line))).toEqual([]);
  });
});

describe("of two replicas", () => {
  test("one counts, and the other goes on when it leaves", async () => {
    putPod("bare");
    const [one, other] = await Promise.all([
      start({}, { identity: "one" }),
      start({}, { identity: "other" }),
    ]);
    while (!(await leads(one)) && !(await leads(other))) await turn();
    const [first, second] = (await leads(one)) ? [one, other] : [other, one];
    await measured(first, unprotected("shop", 1));
    expect(await leads(second)).toBe(false);
    expect(await metricsOf(second)).not.toMatch(/bouncer_injector_(unprotected|left_out)_pods\{/);
    await stop(first);
    await measured(second, unprotected("shop", 1));
    expect(await leads(second)).toBe(true);
    const holder = second === one ? "one" : "other";
    expect(api.get(paths.lease)).toMatchObject({
      spec: { holderIdentity: holder, leaseTransitions: 1, leaseDurationSeconds: 30 },
    });
  });

  test("both of which want the Lease at the same moment, one gets it", async () => {
    const read = { count: 0, both: Promise.withResolvers<undefined>() };
    api.intercept((method, path) => {
      if (method !== "GET" || path !== paths.lease || read.count >= 2) {
        return Promise.resolve(undefined);
      }
      read.count += 1;
      if (read.count === 2) read.both.resolve(undefined);
      return read.both.promise;
    });
    const pair = await Promise.all([
      start({}, { identity: "one" }),
      start({}, { identity: "other" }),
    ]);
    await api.until(() => api.get(paths.lease) !== undefined);
    for (;;) {
      const leaders = (await Promise.all(pair.map(leads))).filter(Boolean);
      expect(leaders.length).toBeLessThanOrEqual(1);
      if (leaders.length === 1) break;
    }
    // Both have tried to create it.
    expect(posts("/leases")).toBe(2);
  });

  test("a Lease that the chart made keeps its labels", async () => {
    const labels = { "app.kubernetes.io/managed-by": "Helm" };
    api.put(paths.lease, { metadata: { labels } });
    await measured(await start(), isLeader);
    expect(api.get(paths.lease)).toMatchObject({
      metadata: { labels },
      spec: { holderIdentity: "replica" },
    });
  });
});

describe("evictions", () => {
  test("happen only when they are asked for", async () => {
    putPod("bare");
    const replica = await start();
    await ready(replica);
    await measured(replica, unprotected("shop", 1));
    expect(posts("/eviction")).toBe(0);
  });

  test("go one by one, of pods that come back", async () => {
    for (const name of ["a", "b"]) putPod(name);
    putPod("job", { metadata: owner("Job", "night") });
    putPod("agent", { metadata: owner("DaemonSet", "agent") });
    putPod("by-hand", { metadata: {} });
    putPod("refused", {
      metadata: { ...replicaSet, annotations: { "bouncer.dev/preset": "huge" } },
    });
    const replica = await start({ evictUnprotected: true, evictionsPerInterval: 5 });
    await measured(replica, evictions("evicted", 2));
    await measured(replica, unprotected("shop", 4));
    const gone = ["a", "b"].map((name) => api.get(paths.pod("shop", name)));
    expect(gone).toEqual([undefined, undefined]);
    expect(posts("/eviction")).toBe(2);
  });

  test("that a PodDisruptionBudget forbids are counted, and others get their turn", async () => {
    putPod("blocked");
    putPod("free", { metadata: owner("StatefulSet", "db") });
    api.intercept(async (_method, path) => (path.includes("/blocked/eviction") ? 429 : undefined));
    const replica = await start({ evictUnprotected: true });
    await measured(replica, evictions("blocked", 1));
    await measured(replica, evictions("evicted", 1));
    await measured(replica, unprotected("shop", 1));
    // It rests, rather than being asked for at every count.
    expect(posts("/blocked/eviction")).toBe(1);
    expect(api.get(paths.pod("shop", "blocked"))).toBeDefined();
  });

  test("do not happen while the webhook is not ready: the new pod would be as unprotected", async () => {
    putPod("bare");
    const configuration = api.get(paths.webhook);
    api.remove(paths.webhook);
    const replica = await start({ evictUnprotected: true });
    await measured(replica, unprotected("shop", 1));
    const told = (): boolean =>
      replica.lines.some((line) => line["msg"] === "nothing evicted: the webhook is not ready");
    while (!told()) await turn();
    expect(posts("/eviction")).toBe(0);
    api.put(paths.webhook, { ...configuration });
    await measured(replica, evictions("evicted", 1));
  });

  test("end when they do not help: the new pod has no bouncer either", async () => {
    putPod("bare");
    let ahead = 0;
    const now = (): number => Date.now() + ahead;
    const replica = await start({ evictUnprotected: true }, { now });
    await measured(replica, evictions("evicted", 1));
    const created = new Date(Date.now() + 1000).toISOString();
    putPod("bare-again", { metadata: { ...replicaSet, creationTimestamp: created } });
    // Long enough after that for the pod to count.
    ahead = 60_000;
    const told = (): boolean =>
      replica.lines.some((line) => line["msg"] === "eviction did not help");
    while (!told()) await turn();
    expect(posts("/eviction")).toBe(1);
  });
});
