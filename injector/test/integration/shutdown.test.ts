/** A replica that stops answers what was sent to it, and says that it is going. */
import { Agent } from "node:https";
import { expect, test } from "vitest";
import {
  caBundle,
  paths,
  post,
  ready,
  responseOf,
  review,
  startCluster,
  startReplica,
} from "./fixture.ts";

test("a request under way is answered, readiness fails first, connections close", async () => {
  const api = await startCluster();
  const waits: (() => void)[] = [];
  const replica = await startReplica(
    api,
    {
      timer: {
        after: (ms, callback) => {
          if (ms === 777) waits.push(callback);
          return () => undefined;
        },
      },
    },
    { drainDelayMs: 777 },
  );
  await ready(replica);
  const ca = caBundle(api) ?? "";
  const agent = new Agent({ keepAlive: true });
  const first = await post(replica.port, review(), { ca, agent });
  expect(first.headers["connection"]).not.toBe("close");

  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<undefined>();
  api.put(paths.namespace("slow"), { metadata: { labels: { "bouncer-injection": "enabled" } } });
  api.intercept((method, path) => {
    if (method !== "GET" || !path.endsWith("/namespaces/other")) return Promise.resolve(undefined);
    asked.resolve();
    return released.promise;
  });
  const underWay = post(replica.port, review({ namespace: "other" }), { ca });
  await asked.promise;

  const closed = replica.close();
  const state = await fetch(`http://127.0.0.1:${replica.adminPort}/ready`);
  expect(state.status).toBe(503);
  expect(await state.json()).toMatchObject({ checks: { process: "shutting down" } });
  const draining = await post(replica.port, review(), { ca, agent });
  expect(responseOf(draining).allowed).toBe(true);
  expect(draining.headers["connection"]).toBe("close");

  for (const elapsed of waits) elapsed();
  released.resolve(undefined);
  expect(responseOf(await underWay)).toMatchObject({ status: { code: 404 } });
  await closed;
  const late = new Agent({ keepAlive: false });
  await expect(post(replica.port, review(), { ca, agent: late })).rejects.toThrow(/ECONNREFUSED/);
  await expect(fetch(`http://127.0.0.1:${replica.adminPort}/health`)).rejects.toThrow(
    "fetch failed",
  );
  agent.destroy();
  await api.close();
});
