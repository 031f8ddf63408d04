import { expect, test } from "vitest";
import { createFleet, type Connection } from "./fleet.ts";
import type { BundleStatus, Hello, Status } from "./protocol.ts";
import { describeFleet } from "./view.ts";

const hello: Hello = {
  kind: "hello",
  protocol: 2,
  bouncer: "shop/cart-1",
  version: "1.0.0",
  bundles: ["policy.tar.gz"],
};
const enforcing: BundleStatus = {
  bundle: "policy.tar.gz",
  revision: "r1",
  sha256: "aa",
  error: null,
  candidate: null,
};
const status: Status = { kind: "status", bundles: [enforcing], decisions: 10, refused: 1 };

function statusOf(changed: Partial<BundleStatus>): Status {
  return { ...status, bundles: [{ ...enforcing, ...changed }] };
}

function connectionOf(pod: string | null = null): Connection {
  return { identity: { subject: "s", pod }, address: "192.0.2.1", protocol: 2 };
}

test("a bouncer is known from its hello until it leaves", () => {
  const fleet = createFleet();
  const connection = connectionOf();
  fleet.join(connection, hello, 1);
  expect(fleet.list()).toEqual([
    {
      bouncer: "shop/cart-1",
      subject: "s",
      version: "1.0.0",
      protocol: 2,
      bundles: ["policy.tar.gz"],
      address: "192.0.2.1",
      connectedAt: 1,
      report: null,
    },
  ]);
  fleet.report(connection, status, 2);
  fleet.report(connection, { ...status, decisions: 5, refused: 0 }, 3);
  expect(fleet.list()[0]?.report).toEqual({
    bundles: [enforcing],
    decisions: 15,
    refused: 1,
    at: 3,
  });
  fleet.leave(connection);
  expect(fleet.list()).toEqual([]);
});

test("what the token says goes before what the bouncer says", () => {
  const fleet = createFleet();
  fleet.join(connectionOf("shop/cart-2"), hello, 1);
  expect(fleet.list()[0]?.bouncer).toBe("shop/cart-2");
});

test("a new connection takes the place of an old one, whose end changes nothing", () => {
  const fleet = createFleet();
  const [old, fresh] = [connectionOf(), connectionOf()];
  fleet.join(old, hello, 1);
  fleet.join(fresh, hello, 2);
  fleet.report(old, status, 3);
  fleet.leave(old);
  expect(fleet.list()).toMatchObject([{ connectedAt: 2, report: null }]);
});

test("a report or an end before the hello is nothing", () => {
  const fleet = createFleet();
  fleet.report(connectionOf(), status, 1);
  fleet.leave(connectionOf());
  expect(fleet.list()).toEqual([]);
});

test("counts by revision are bounded, the largest first", () => {
  const fleet = createFleet();
  for (let index = 0; index < 60; index += 1) {
    const connection = connectionOf(`ns/pod-${index}`);
    fleet.join(connection, hello, 1);
    if (index >= 2) fleet.report(connection, statusOf({ revision: `r${index}` }), 1);
  }
  const counts = fleet.countByRevision();
  expect(counts).toHaveLength(51);
  expect(counts[0]).toEqual({ bundle: "policy.tar.gz", revision: "none", count: 2 });
  expect(counts.at(-1)).toEqual({ bundle: "other", revision: "other", count: 9 });
});

test.each([
  ["enforces what is served", statusOf({ sha256: "aa" }), true],
  ["enforces something else", statusOf({ sha256: "bb" }), false],
  ["enforces nothing", statusOf({ sha256: null }), false],
  ["does not speak of it", { ...status, bundles: [] }, false],
  ["has not reported", null, false],
] as const)("current: %s", (_name, report, current) => {
  const bundle = { name: "policy.tar.gz", revision: "r1", sha256: "aa", bytes: Buffer.from("x") };
  const fleet = createFleet();
  const connection = connectionOf();
  fleet.join(connection, hello, 0);
  if (report !== null) fleet.report(connection, report, 1);
  const state = { name: bundle.name, bundle, readAt: 0, problem: null };
  const view = { bundles: [state], members: fleet.list(), rollouts: [], rolloutProblem: null };
  expect(describeFleet(view).bouncers).toMatchObject([
    { bouncer: "shop/cart-1", current, connectedAt: "1970-01-01T00:00:00.000Z" },
  ]);
});

test("counts of a candidate are summed up while it is the same one", () => {
  const fleet = createFleet();
  const connection = connectionOf();
  fleet.join(connection, hello, 0);
  const candidate = {
    revision: "r2",
    sha256: "bb",
    enforced: false,
    error: null,
    decisions: 10,
    differing: 2,
    wouldRefuse: 1,
    stopped: null,
  };
  const counted = () => fleet.list()[0]?.report?.bundles[0]?.candidate;
  fleet.report(connection, statusOf({ candidate }), 1);
  fleet.report(connection, statusOf({ candidate: { ...candidate, enforced: true } }), 2);
  expect(counted()).toEqual({
    ...candidate,
    enforced: true,
    decisions: 20,
    differing: 4,
    wouldRefuse: 2,
  });
  fleet.report(connection, statusOf({ candidate: { ...candidate, sha256: "cc" } }), 3);
  expect(counted()).toEqual({ ...candidate, sha256: "cc" });
  fleet.report(connection, statusOf({}), 4);
  expect(counted()).toBeNull();
});
