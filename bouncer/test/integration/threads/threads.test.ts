/** Several threads that carry requests: to whoever looks from outside, they are one bouncer. */
import { afterEach, expect, test } from "vitest";
import { adminPath } from "../../../src/contract.ts";
import { Gate } from "../audit/gate.ts";
import {
  bundleOf,
  cleanUp,
  createClient,
  readChain,
  startThreaded,
  statusOf,
  sumOf,
} from "./setting.ts";

afterEach(cleanUp);

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

test.each([2, 3])(
  "%i threads: requests of many connections are spread, and counted together",
  async (threads) => {
    const bouncer = await startThreaded({ threads });
    expect((await bouncer.admin("/ready")).status).toBe(200);
    const clients = range(100).map(() => createClient(bouncer.port));
    for (const method of ["GET", "DELETE", "GET"]) {
      const answers = await Promise.all(clients.map(({ ask }) => ask("/a", method)));
      const status = method === "GET" ? 200 : 403;
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
      expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set(["r1"]));
    }
    expect(await statusOf(bouncer)).toMatchObject({
      threads: { total: threads, serving: threads },
      connections: 100,
      inFlight: 0,
    });
    const { body: metrics } = await bouncer.admin("/metrics");
    expect(sumOf(metrics, "bouncer_requests_total")).toBe(300);
    expect(sumOf(metrics, "bouncer_request_duration_seconds_count")).toBe(300);
    expect(sumOf(metrics, "bouncer_connections")).toBe(100);
    expect(sumOf(metrics, "bouncer_threads")).toBe(threads);
    const cached = sumOf(metrics, "bouncer_cache_hits_total");
    expect(cached + sumOf(metrics, "bouncer_cache_misses_total")).toBe(300);
    expect(cached).toBeGreaterThan(200);
    expect(await bouncer.serving.stop()).toBe(true);

    const records = readChain(bouncer.audit());
    expect(records).toHaveLength(300);
    expect(new Set(records.map(({ decision_id }) => decision_id)).size).toBe(300);
    expect(new Set(records.map(({ labels }) => JSON.stringify(labels))).size).toBe(1);
    const shares = bouncer.workers.map((worker) => bouncer.recordsOf.get(worker) ?? 0);
    expect(shares).toHaveLength(threads - 1);
    for (const share of shares) expect(share).toBeGreaterThan(0);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(300);
  },
);

test("from the moment that a switch is reported, no thread decides by the policy before", async () => {
  const bouncer = await startThreaded({ threads: 3 });
  const clients = range(40).map(() => createClient(bouncer.port));
  let expected = 1;
  const over = new AbortController();
  const carrying = clients.map(async ({ ask }) => {
    let seen = 0;
    while (!over.signal.aborted) {
      const least = expected;
      const { revision } = await ask("/a");
      expect(Number(revision.slice(1))).toBeGreaterThanOrEqual(Math.max(least, seen));
      seen = Number(revision.slice(1));
    }
    return seen;
  });
  for (const revision of [2, 3, 4]) {
    await bouncer.store(await bundleOf(`r${revision}`));
    expect((await bouncer.admin(adminPath.refresh, "POST")).status).toBe(200);
    expected = revision;
  }
  over.abort();
  await Promise.all(carrying);
  const last = await Promise.all(clients.map(({ ask }) => ask("/a")));
  expect(new Set(last.map(({ revision }) => revision))).toEqual(new Set(["r4"]));
});

test("without a policy every thread refuses, and with the first one every thread decides", async () => {
  const bouncer = await startThreaded({ threads: 3, bundle: null });
  expect((await bouncer.admin("/ready")).status).toBe(503);
  const clients = range(30).map(() => createClient(bouncer.port));
  const before = await Promise.all(clients.map(({ ask }) => ask()));
  expect(new Set(before.map(({ reason }) => reason))).toEqual(new Set(["no_policy"]));
  await bouncer.store(await bundleOf("r1"));
  await bouncer.admin(adminPath.refresh, "POST");
  expect((await bouncer.admin("/ready")).status).toBe(200);
  const after = await Promise.all(clients.map(({ ask }) => ask()));
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]));
});

test("what evaluates long goes on in the slow lane of the process, and is decided", async () => {
  const slow = "count([1 | some x in steps; some y in steps; x * y == 12]) == 6";
  const bundle = await bundleOf("r1", `${slow}\nsteps := numbers.range(1, 300)`);
  const bouncer = await startThreaded({
    bundle,
    threads: 2,
    env: {
      CACHE_TTL: "0",
      POLICY_EVALUATION_TIMEOUT_MS: "60000",
      POLICY_DECISION_TIMEOUT_MS: "60000",
      POLICY_EVALUATION_MEMORY_MIB: "1024",
    },
  });
  const clients = range(12).map(() => createClient(bouncer.port));
  const answers = await Promise.all(clients.map(({ ask }) => ask()));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test("the limit on requests in flight is one for all threads", async () => {
  const held: (() => void)[] = [];
  const arrived = new EventTarget();
  const bouncer = await startThreaded({
    env: { MAX_REQUESTS_IN_FLIGHT: "4" },
    app: (_request, response) => {
      held.push(() => response.end());
      arrived.dispatchEvent(new Event("request"));
    },
  });
  const asked: Promise<{ status: number }>[] = [];
  for (const _ of range(4)) {
    const next = new Promise((resolve) => {
      arrived.addEventListener("request", resolve, { once: true });
    });
    asked.push(createClient(bouncer.port).ask());
    await next;
  }
  const more = await Promise.all(range(20).map(() => createClient(bouncer.port).ask()));
  expect(new Set(more.map(({ reason }) => reason))).toEqual(new Set(["overload"]));
  expect(await statusOf(bouncer)).toMatchObject({ inFlight: 4 });
  for (const release of held) release();
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test("paths of the admin port on the port of the application are answered in every thread", async () => {
  const bouncer = await startThreaded({ threads: 3 });
  const all = range(30).map(async () => {
    const response = await fetch(`http://127.0.0.1:${bouncer.port}/v1/status`, {
      headers: { connection: "close" },
    });
    const status: unknown = await response.json();
    return status;
  });
  for (const status of await Promise.all(all)) {
    expect(status).toMatchObject({ version: "1.2.3", threads: { total: 3, serving: 3 } });
  }
});

test("auditability: no thread goes on before its record is written", async () => {
  const gate = new Gate(false);
  let reached = 0;
  const bouncer = await startThreaded({
    stdout: gate,
    env: { AUDIT_MODE: "auditability" },
    app: (_request, response) => {
      reached += 1;
      response.end();
    },
  });
  const asked = range(40).map(() => createClient(bouncer.port).ask());
  await gate.offered();
  // Others are on their way: nothing of what is not written has got through.
  await bouncer.admin("/v1/status");
  expect(reached).toBe(0);
  gate.open();
  const answers = await Promise.all(asked);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await bouncer.serving.stop()).toBe(true);
  const records = readChain(gate.batches.join(""));
  const decided = records.filter(({ phase }) => phase === "decision");
  const over = records.filter(({ phase }) => phase === "outcome");
  expect([decided.length, over.length]).toEqual([40, 40]);
});

test("what is under way in any thread is finished when the bouncer stops, and recorded", async () => {
  const held: (() => void)[] = [];
  const all = Promise.withResolvers<void>();
  const bouncer = await startThreaded({
    env: { DRAIN_TIMEOUT_SECONDS: "30" },
    app: (_request, response) => {
      held.push(() => response.end());
      if (held.length === 50) all.resolve();
    },
  });
  const asked = range(50).map(() => createClient(bouncer.port).ask());
  await all.promise;
  const stopping = bouncer.serving.stop();
  for (const release of held) release();
  const answers = await Promise.all(asked);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(50);
  expect(await stopping).toBe(true);
  expect(readChain(bouncer.audit())).toHaveLength(50);
});

test("a second stop waits for nothing in any thread", async () => {
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  const bouncer = await startThreaded({
    env: { DRAIN_TIMEOUT_SECONDS: "300" },
    app: () => {
      arrived += 1;
      if (arrived === 30) all.resolve();
    },
  });
  const asked = range(30).map(() => createClient(bouncer.port).ask());
  const settled = Promise.allSettled(asked);
  await all.promise;
  const stopping = bouncer.serving.stop();
  void bouncer.serving.stop();
  expect(await stopping).toBe(false);
  await settled;
  expect(readChain(bouncer.audit())).toHaveLength(30);
});

test("a port that another bouncer listens on is not shared with it", async () => {
  const first = await startThreaded({ threads: 2 });
  const [route] = first.config.routes;
  if (route === undefined) throw new Error("no route");
  const config = { routes: [{ ...route, port: first.port }] };
  const taken = { code: "listen_failed" };
  await expect(startThreaded({ threads: 2, config })).rejects.toMatchObject(taken);
  await expect(startThreaded({ threads: 1, config })).rejects.toMatchObject(taken);
  expect((await createClient(first.port).ask()).status).toBe(200);
});
