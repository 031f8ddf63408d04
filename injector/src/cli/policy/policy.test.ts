import type { FleetDescription } from "bouncer-bridge/view";
import { describe, expect, test } from "vitest";
import { ApiStatusError } from "../../kube/failure.ts";
import type { ApiRequest } from "../../kube/request.ts";
import { isBehind, joinReplicas } from "./fleet.ts";
import { readReplicas, type Replica } from "./replicas.ts";
import { formatStatus } from "./report.ts";

type Bouncer = FleetDescription["bouncers"][number];
type Row = Bouncer["bundles"][number];

const [one, two] = ["1", "2"].map((digit) => digit.repeat(64));
const time = "2026-11-21T12:00:00.000Z";

function rowOf(fields: Partial<Row> = {}): Row {
  return {
    bundle: "policy.tar.gz",
    revision: "r1",
    sha256: one ?? null,
    error: null,
    current: true,
    candidate: null,
    ...fields,
  };
}

function bouncerOf(name: string, row: Partial<Row> = {}, connectedAt = time): Bouncer {
  const bundles = [rowOf(row)];
  return {
    bouncer: name,
    subject: "system:serviceaccount:shop:default",
    version: "0.1.0",
    protocol: 2,
    address: "10.0.0.1",
    connectedAt,
    reportedAt: time,
    decisions: 7,
    refused: 1,
    bundles,
    current: bundles.every(({ current }) => current),
  };
}

const tried = {
  revision: "r2",
  sha256: two ?? "",
  enforced: false,
  error: null,
  decisions: 10,
  differing: 4,
  wouldRefuse: 4,
  stopped: null,
};
const rollout = {
  bundle: "policy.tar.gz",
  candidate: "next.tar.gz",
  revision: "r2",
  sha256: two ?? null,
  percent: 10,
  maxRefusalRateChange: 0.05,
  minDecisions: 100,
  stopped: null,
};

function fleetOf(
  bouncers: readonly Bouncer[],
  fields: Partial<FleetDescription> = {},
): FleetDescription {
  return {
    bundles: [
      {
        name: "policy.tar.gz",
        revision: "r1",
        sha256: one ?? null,
        bytes: 1000,
        readAt: time,
        problem: null,
      },
    ],
    rollouts: [],
    rolloutProblem: null,
    bouncers: [...bouncers],
    ...fields,
  };
}

const replicaOf = (fleet: FleetDescription): Replica => ({ pod: "s/b-1", fleet, problem: null });
const options = { all: true, isColoured: false };

test("a fleet that is current is good, and short", () => {
  const fleet = fleetOf([bouncerOf("shop/a"), bouncerOf("shop/b")]);
  const status = joinReplicas([replicaOf(fleet), replicaOf(fleetOf([bouncerOf("blog/c")]))], null);
  expect(isBehind(status)).toBe(false);
  expect(formatStatus(status, { ...options, all: false })).toMatchInlineSnapshot(`
    "BUNDLE          REVISION   SHA-256        REPLICAS
    policy.tar.gz   r1         111111111111   2

    3 of 3 bouncers enforce what is served
    "
  `);
});

test("what is not as it is meant to be is listed, with a word on why", () => {
  const stopped = { bouncer: "shop/c", reason: "of 9 requests it refused 6 more", at: time };
  const fleet = fleetOf(
    [
      bouncerOf("shop/a", { candidate: { ...tried, enforced: true } }),
      bouncerOf("shop/b", { revision: "r0", sha256: two ?? null, current: false }),
      bouncerOf("shop/c", { candidate: { ...tried, stopped: stopped.reason } }),
      bouncerOf("shop/d", {
        revision: null,
        sha256: null,
        current: false,
        error: "bundle_invalid",
      }),
      bouncerOf("shop/e", { revision: null, sha256: null, current: false }),
    ],
    { rollouts: [{ ...rollout, stopped }] },
  );
  const dead = { pod: "s/b-2", fleet: null, problem: "Cannot ask bridge" };
  const status = joinReplicas([replicaOf(fleet), dead], null);
  expect(isBehind(status)).toBe(true);
  expect(formatStatus(status, options)).toMatchInlineSnapshot(`
    "BUNDLE          REVISION   SHA-256        REPLICAS
    policy.tar.gz   r1         111111111111   1

    CANDIDATE     FOR             REVISION   PERCENT   DECISIONS   DIFFERING   STATE
    next.tar.gz   policy.tar.gz   r2         10        20          8           given up: shop/c: of 9 requests it refused 6 more

    BOUNCER   BUNDLE          REVISION   STATE
    shop/a    policy.tar.gz   r1         enforces candidate r2
    shop/b    policy.tar.gz   r0         not what is served
    shop/c    policy.tar.gz   r1         gave up r2: of 9 requests it refused 6 more
    shop/d    policy.tar.gz   -          bundle_invalid
    shop/e    policy.tar.gz   -          has no policy

    problem: s/b-2: Cannot ask bridge

    2 of 5 bouncers enforce what is served
    "
  `);
});

describe("replicas know different things", () => {
  test("a bouncer is where it connected last", () => {
    const older = fleetOf([bouncerOf("shop/a", { current: false })]);
    const newer = fleetOf([bouncerOf("shop/a", {}, "2026-11-21T12:00:01.000Z")]);
    for (const order of [
      [older, newer],
      [newer, older],
    ]) {
      const { bouncers } = joinReplicas(order.map(replicaOf), null);
      expect(bouncers).toEqual(newer.bouncers);
    }
  });

  test("a stop that one heard of is one", () => {
    const stopped = { bouncer: "shop/a", reason: "why", at: time };
    const fleets = [
      fleetOf([], { rollouts: [{ ...rollout, stopped }] }),
      fleetOf([], { rollouts: [rollout] }),
    ];
    expect(joinReplicas(fleets.map(replicaOf), null).rollouts).toEqual([{ ...rollout, stopped }]);
  });

  test("different content under one name is two rows", () => {
    const other = fleetOf([], {
      bundles: [
        {
          ...fleetOf([]).bundles[0],
          name: "policy.tar.gz",
          revision: "r2",
          sha256: two ?? null,
          bytes: 1,
          readAt: time,
          problem: null,
        },
      ],
    });
    const { bundles } = joinReplicas([replicaOf(fleetOf([])), replicaOf(other)], null);
    expect(bundles.map(({ revision, replicas }) => [revision, replicas])).toEqual([
      ["r1", 1],
      ["r2", 1],
    ]);
  });

  test("problems of bundles and of rollout.json are told once", () => {
    const problem = { code: "bundle_broken", message: "Cannot read it" };
    const fleet = fleetOf([], { rolloutProblem: problem });
    const status = joinReplicas([replicaOf(fleet), replicaOf(fleet)], null);
    expect(status.problems).toEqual(["Cannot read it"]);
    expect(isBehind(status)).toBe(true);
  });

  test("of one namespace, its bouncers and no others", () => {
    const fleet = fleetOf([bouncerOf("shop/a"), bouncerOf("shopping/b")]);
    expect(joinReplicas([replicaOf(fleet)], "shop").bouncers).toHaveLength(1);
  });
});

async function forbid(): Promise<never> {
  throw new ApiStatusError(403, "no");
}

describe("asking", () => {
  const bridge = { namespace: "bouncer-system", service: "bridge" };
  const pods = [
    { metadata: { name: "bridge-1" }, status: { phase: "Running" } },
    { metadata: { name: "bridge-2" }, status: { phase: "Running" } },
    { metadata: { name: "bridge-3", deletionTimestamp: time }, status: { phase: "Running" } },
    { metadata: { name: "bridge-4" }, status: { phase: "Pending" } },
  ];

  test("each running replica, through the API server", async () => {
    const asked: ApiRequest[] = [];
    const replicas = await readReplicas(async (request) => {
      asked.push(request);
      if (request.path.endsWith("/services/bridge"))
        return { spec: { selector: { app: "x", b: "y" } } };
      if (request.path.endsWith("/pods")) return { items: pods };
      if (request.path.includes("bridge-2")) throw new ApiStatusError(403, "no pods/proxy");
      return fleetOf([bouncerOf("shop/a")]);
    }, bridge);
    expect(asked.map(({ path }) => path)).toEqual([
      "/api/v1/namespaces/bouncer-system/services/bridge",
      "/api/v1/namespaces/bouncer-system/pods",
      "/api/v1/namespaces/bouncer-system/pods/bridge-1%3A9090/proxy/v1/bouncers",
      "/api/v1/namespaces/bouncer-system/pods/bridge-2%3A9090/proxy/v1/bouncers",
    ]);
    expect(asked[1]?.query).toEqual({ labelSelector: "app=x,b=y" });
    expect(replicas[0]?.fleet?.bouncers).toHaveLength(1);
    expect(replicas[1]?.fleet).toBeNull();
    expect(replicas[1]?.problem).toContain("bridge-2");
  });

  test("what another version answers is a problem of that replica", async () => {
    const replicas = await readReplicas(async ({ path }) => {
      if (path.endsWith("/services/bridge")) return { spec: {} };
      return path.endsWith("/pods") ? { items: pods.slice(0, 1) } : { bouncers: "many" };
    }, bridge);
    expect(replicas).toMatchObject([{ problem: "it answers as another version would" }]);
  });

  test("without the right to look, the command ends", async () => {
    await expect(readReplicas(forbid, bridge)).rejects.toThrow(
      'the pods of bridge "bouncer-system/bridge"',
    );
  });
});
