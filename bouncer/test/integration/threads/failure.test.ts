/** A thread that ends although nobody asked it to: what it carried is gone, and nothing else. */
import { afterEach, expect, test } from "vitest";
import { adminPath } from "../../../src/contract.ts";
import { bundleOf, cleanUp, createClient, readChain, startThreaded, sumOf } from "./setting.ts";

afterEach(cleanUp);

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

async function eventually(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setImmediate(resolve));
}

test("others go on, it is said and counted, and it is started again with the policy of now", async () => {
  const bouncer = await startThreaded({ threads: 3 });
  const clients = range(60).map(() => createClient(bouncer.port));
  await Promise.all(clients.map(({ ask }) => ask()));
  const [victim] = bouncer.workers;
  await victim?.terminate();
  // Whoever connects now gets to a thread that listens.
  const meanwhile = await Promise.all(range(40).map(() => createClient(bouncer.port).ask()));
  expect(new Set(meanwhile.map(({ status }) => status))).toEqual(new Set([200]));
  await bouncer.store(await bundleOf("r2"));
  expect((await bouncer.admin(adminPath.refresh, "POST")).status).toBe(200);
  await eventually(async () => {
    const { body } = await bouncer.admin("/metrics");
    return sumOf(body, "bouncer_threads") === 3;
  });
  expect(bouncer.workers).toHaveLength(3);
  const after = await Promise.all(range(60).map(() => createClient(bouncer.port).ask()));
  expect(new Set(after.map(({ status, revision }) => `${status} ${revision}`))).toEqual(
    new Set(["200 r2"]),
  );
  const { body: metrics } = await bouncer.admin("/metrics");
  expect(sumOf(metrics, "bouncer_thread_failures_total")).toBe(1);
  expect(sumOf(metrics, "bouncer_requests_in_flight")).toBe(0);
  expect(bouncer.log()).toContain("thread ended, and is started again");
  expect(bouncer.log()).toContain("thread serves again");
  await bouncer.serving.stop();
  const again = bouncer.workers[2];
  expect(again === undefined ? 0 : bouncer.recordsOf.get(again)).toBeGreaterThan(0);
  const records = readChain(bouncer.audit()).length;
  const lost = sumOf(metrics, "bouncer_audit_dropped_total");
  expect(records + lost).toBe(160);
});

test("what it had under way is counted no more, and keeps nobody from stopping", async () => {
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  const bouncer = await startThreaded({
    threads: 2,
    env: { DRAIN_TIMEOUT_SECONDS: "30" },
    app: (request, response) => {
      if (request.url === "/now") {
        response.end();
        return;
      }
      arrived += 1;
      if (arrived === 40) all.resolve();
      bouncerEnds.then(
        () => response.end(),
        () => undefined,
      );
    },
  });
  const asked = range(40).map(() => createClient(bouncer.port).ask());
  const settled = Promise.allSettled(asked);
  await all.promise;
  const [victim] = bouncer.workers;
  await victim?.terminate();
  await eventually(async () => {
    const { body } = await bouncer.admin("/metrics");
    return sumOf(body, "bouncer_threads") === 2;
  });
  const inFlight = sumOf((await bouncer.admin("/metrics")).body, "bouncer_requests_in_flight");
  expect(inFlight).toBeLessThan(40);
  endAll();
  const done = (await settled).filter((one) => one.status === "fulfilled");
  expect(done).toHaveLength(inFlight);
  expect(await bouncer.serving.stop()).toBe(true);
});

const { promise: bouncerEnds, resolve: endAll } = Promise.withResolvers<void>();

test("one that does not come up at start ends the start", async () => {
  // Each thread reads the variables again; this one is only right in the main thread.
  const starting = startThreaded({ threads: 2, threadEnvironment: { CACHE_TTL: "often" } });
  await expect(starting).rejects.toMatchObject({ code: "thread_failed" });
});
