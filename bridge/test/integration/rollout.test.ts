import * as v from "valibot";
import { expect, test } from "vitest";
import { isCovered } from "../../src/rollout.ts";
import { type FleetDescription, fleetSchema } from "../../src/view.ts";
import { packRevision } from "../archive.ts";
import {
  askAdmin,
  bundleName,
  connectClient,
  hello,
  startTestBridge,
  status,
  type TestBridge,
} from "./support.ts";

const names = Array.from({ length: 50 }, (_, index) => `shop/cart-${index}`);
const [covered = ""] = names.filter((name) => isCovered(name, bundleName, 50));
const [uncovered = ""] = names.filter((name) => !isCovered(name, bundleName, 50));

async function filesOf(rollout: object | string, candidate = "r2") {
  const [current, next] = await Promise.all([packRevision("r1"), packRevision(candidate)]);
  const text = typeof rollout === "string" ? rollout : JSON.stringify({ [bundleName]: rollout });
  return { [bundleName]: current, "next.tar.gz": next, "rollout.json": text };
}

async function connect(running: TestBridge, name: string) {
  const client = await connectClient(running);
  client.say(hello(name));
  return client;
}

async function view(running: TestBridge): Promise<FleetDescription> {
  return v.parse(fleetSchema, JSON.parse((await askAdmin(running, "/v1/bouncers")).text));
}

const terms = { candidate: "next.tar.gz", percent: 50 };

test("a rollout is announced, changed, stopped by a bouncer, begun anew and ended by promotion", async () => {
  const running = await startTestBridge({ files: await filesOf(terms) });
  const [enforcing, watching] = await Promise.all([
    connect(running, covered),
    connect(running, uncovered),
  ]);
  const hint = {
    kind: "hint",
    bundle: bundleName,
    revision: "r1",
    candidate: {
      revision: "r2",
      url: "/bundles/next.tar.gz",
      enforce: true,
      maxRefusalRateChange: 0.05,
      minDecisions: 100,
    },
  };
  expect(await enforcing.next()).toMatchObject(hint);
  expect(await watching.next()).toMatchObject({ candidate: { revision: "r2", enforce: false } });

  await running.bundles.write(await filesOf({ ...terms, percent: 100 }));
  expect(await watching.next()).toMatchObject({ candidate: { enforce: true } });

  // A bouncer gives it up: both are told, the reason is to be seen.
  const candidate = {
    revision: "r2",
    sha256: (await view(running)).rollouts[0]?.sha256,
    enforced: false,
    error: null,
    decisions: 200,
    differing: 50,
    wouldRefuse: 50,
    stopped: "refused 25.0% of 200",
  };
  enforcing.say(status({ candidate }));
  expect(await enforcing.next()).toMatchObject({ candidate: { enforce: false } });
  expect(await watching.next()).toMatchObject({ candidate: { enforce: false } });
  expect(await running.logged.has({ msg: "rollout stopped" })).toMatchObject({
    bouncer: covered,
    reason: "refused 25.0% of 200",
  });
  expect(await view(running)).toMatchObject({
    rollouts: [{ bundle: bundleName, percent: 100, stopped: { bouncer: covered } }],
  });
  const { text } = await askAdmin(running, "/metrics");
  expect(text).toContain('bouncer_bridge_rollout_stopped{bundle="policy.tar.gz"} 1');
  expect(text).toContain('bouncer_bridge_rollout_percent{bundle="policy.tar.gz"} 0');
  expect(text).toContain(
    'bouncer_bridge_candidate_decisions_total{bundle="policy.tar.gz",result="differing"} 50',
  );

  await running.bundles.write(await filesOf({ ...terms, percent: 100 }, "r3"));
  expect(await enforcing.next()).toMatchObject({ candidate: { revision: "r3", enforce: true } });

  // What was the candidate is the bundle, and no candidate, in one step.
  const promoted = await packRevision("r3");
  await running.bundles.write({ [bundleName]: promoted, "next.tar.gz": promoted });
  expect(await enforcing.next()).toMatchObject({ revision: "r3", candidate: null });
  expect(await view(running)).toMatchObject({ rollouts: [] });
  for (const client of [enforcing, watching]) client.socket.terminate();
});

test.each([
  ["not JSON", "{"],
  ["a percentage beyond 100", JSON.stringify({ [bundleName]: { ...terms, percent: 500 } })],
  ["too large", " ".repeat(70_000)],
])("a file that is bad (%s) leaves the rollout as it was", async (_name, text) => {
  const running = await startTestBridge({ files: await filesOf(terms) });
  await running.bundles.write(await filesOf(text));
  await running.logged.has({ msg: "rollout problem" });
  expect(await view(running)).toMatchObject({
    rollouts: [{ percent: 50 }],
    rolloutProblem: { code: "rollout_invalid" },
  });
  const client = await connect(running, covered);
  expect(await client.next()).toMatchObject({ candidate: { enforce: true } });
  await running.bundles.write(await filesOf({ ...terms, percent: 0 }));
  expect(await client.next()).toMatchObject({ candidate: { enforce: false } });
  expect(await view(running)).toMatchObject({ rolloutProblem: null });
  client.socket.terminate();
});

test("without its file, a candidate is not announced, and is when it comes", async () => {
  const { "next.tar.gz": next, ...rest } = await filesOf(terms);
  const running = await startTestBridge({ files: rest });
  const client = await connect(running, covered);
  expect(await client.next()).toMatchObject({ candidate: null });
  await running.bundles.write({ ...rest, "next.tar.gz": next });
  expect(await client.next()).toMatchObject({ candidate: { revision: "r2" } });
  client.socket.terminate();
});
