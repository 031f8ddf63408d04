import { describe, expect, test } from "vitest";
import { buildContext, buildSettings } from "../../../test/support/context.ts";
import type { InjectionContext } from "../../inject/injection.ts";
import { inject } from "../../inject/pod.ts";
import { parseSeconds } from "./duration.ts";
import { judgePod } from "./judge.ts";
import { buildSurvey, formatSurvey, isLeftOver, type Survey } from "./report.ts";
import { type Outcome, restartAll, type RestartPorts } from "./restart.ts";
import { assessRollout, findBlockingBudgets } from "./rollout.ts";
import { controllerOf, identifyPod, planRestart, type Workload } from "./workload.ts";

const plain = (annotations: Readonly<Record<string, string>> = {}) => ({
  metadata: { name: "web-1", uid: "u1", namespace: "shop", annotations },
  spec: { containers: [{ name: "web", image: "web:1", ports: [{ containerPort: 3000 }] }] },
});

function injectBy(context: InjectionContext, annotations?: Readonly<Record<string, string>>) {
  const injection = inject(plain(annotations), context);
  if (injection.kind !== "inject") throw new Error(injection.reason);
  return injection.pod;
}

const before = buildContext();
const other = (settings: object) => buildContext({ settings: buildSettings(settings) });

describe("whether a pod is outdated", () => {
  const { namespace } = before;
  test.each([
    ["as it would be created now", before, []],
    ["by another version", buildContext({ version: "1.3.0" }), ["version", "image"]],
    [
      "by another version, with an image of its own",
      {
        ...other({ image: "registry.example/bouncer:7" }),
        version: "1.3.0",
      },
      ["version", "config", "image"],
    ],
    ["with other settings", other({ cacheTtl: 60 }), ["config"]],
    ["with another image", other({ image: "registry.example/bouncer:7" }), ["config", "image"]],
    [
      "with another annotation of the namespace",
      buildContext({ namespace: { ...namespace, annotations: { "bouncer.dev/preset": "large" } } }),
      ["config"],
    ],
    [
      "in a namespace that enforces Pod Security now",
      buildContext({
        namespace: {
          ...namespace,
          labels: { ...namespace.labels, "pod-security.kubernetes.io/enforce": "restricted" },
        },
      }),
      ["config"],
    ],
    [
      "in a namespace that lost its label",
      buildContext({ namespace: { ...namespace, labels: {} } }),
      [],
    ],
  ])("%s", (_, context, codes) => {
    const reasons = judgePod(injectBy(before), { context, isSameVersion: true });
    expect(reasons.map(({ code }) => code)).toEqual(codes);
  });

  test("the configuration is not compared by another version", () => {
    const context = { ...other({ cacheTtl: 60 }), version: "1.3.0" };
    const reasons = judgePod(injectBy(before), { context, isSameVersion: false });
    expect(reasons.map(({ code }) => code)).toEqual(["version", "image"]);
  });

  test.each([
    ["without a bouncer", plain(), ["missing"]],
    ["that opted out", plain({ "bouncer.dev/inject": "false" }), []],
    ["that would be refused", plain({ "bouncer.dev/cache-ttl": "x" }), ["refused"]],
    ["whose sidecar somebody removed", { ...injectBy(before), spec: plain().spec }, ["missing"]],
  ])("a pod %s", (_, pod, codes) => {
    const reasons = judgePod(pod, { context: before, isSameVersion: true });
    expect(reasons.map(({ code }) => code)).toEqual(codes);
  });
});

const owner = (kind: string, name: string, apiVersion = "apps/v1") => ({
  apiVersion,
  kind,
  name,
  controller: true,
});

describe("whose pod it is", () => {
  test("its controller's", () => {
    const ownerReferences = [
      { ...owner("X", "x"), controller: false },
      owner("ReplicaSet", "web-7"),
    ];
    const pod = { metadata: { ...plain().metadata, ownerReferences } };
    expect(identifyPod(pod)?.controller).toEqual({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "web-7",
    });
    expect(identifyPod(plain())?.controller).toBeNull();
  });

  test.each([
    { status: { phase: "Succeeded" } },
    { status: { phase: "Failed" } },
    { metadata: { name: "x", uid: "u", deletionTimestamp: "2026-01-01T00:00:00Z" } },
    { metadata: {} },
  ])("nobody's any more: %j", (change) => {
    expect(identifyPod({ ...plain(), ...change })).toBeNull();
  });

  test("a ReplicaSet's Deployment", () => {
    const metadata = { ownerReferences: [owner("Deployment", "web")] };
    expect(controllerOf({ metadata })?.name).toBe("web");
    expect(controllerOf(null)).toBeNull();
  });
});

const pod = (name: string) => ({
  name,
  uid: `uid-of-${name}`,
  labels: { app: "web" },
  reasons: [{ code: "version", detail: "version 1.2.3, installed is 1.3.0" }] as const,
});
const workload = (kind: string, name = "web", apiVersion = "apps/v1"): Workload => ({
  namespace: "shop",
  ref: { apiVersion, kind, name },
  pods: [pod(`${name}-1`), pod(`${name}-2`)],
});

test.each([
  ["Deployment", "apps/v1", {}, "rollout"],
  ["Deployment", "apps/v1", { paused: true }, /paused/],
  ["StatefulSet", "apps/v1", { updateStrategy: { type: "RollingUpdate" } }, "rollout"],
  ["StatefulSet", "apps/v1", { updateStrategy: { type: "OnDelete" } }, /OnDelete/],
  ["StatefulSet", "apps/v1", { updateStrategy: { rollingUpdate: { partition: 2 } } }, /partition/],
  ["StatefulSet", "apps/v1", { updateStrategy: { rollingUpdate: { partition: 0 } } }, "rollout"],
  ["DaemonSet", "apps/v1", { updateStrategy: { type: "OnDelete" } }, /OnDelete/],
  ["DaemonSet", "apps/v1", {}, "rollout"],
  ["ReplicaSet", "apps/v1", {}, "evict"],
  ["ReplicationController", "v1", {}, "evict"],
  ["Job", "batch/v1", {}, /runs to its end/],
  ["CronJob", "batch/v1", {}, /next run/],
  ["Pod", "v1", {}, /no controller/],
  ["Node", "v1", {}, /kubelet/],
  ["Rollout", "argoproj.io/v1alpha1", {}, /own means/],
  ["Deployment", "example.dev/v1", {}, /own means/],
])("how a %s (%s) with %j is restarted", (...[kind, apiVersion, spec, expected]) => {
  const plan = planRestart(workload(kind, "web", apiVersion), { spec });
  expect(plan.kind === "leave" ? plan.why : plan.kind).toMatch(expected);
});

test("what would be refused is not restarted", () => {
  const refused = { ...pod("web-1"), reasons: [{ code: "refused", detail: "no" } as const] };
  const plan = planRestart({ ...workload("Deployment"), pods: [pod("a"), refused] }, { spec: {} });
  expect(plan).toEqual({ kind: "leave", why: "no" });
});

const seen = { observedGeneration: 2 };
const deployed = { ...seen, replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
test.each([
  ["Deployment", { observedGeneration: 1 }, "not yet seen by its controller"],
  ["Deployment", { ...deployed, updatedReplicas: 1 }, "1 of 3 pods are new"],
  ["Deployment", { ...deployed, replicas: 4 }, "1 old pods are still there"],
  ["Deployment", { ...deployed, availableReplicas: 2 }, "2 of 3 new pods are available"],
  ["Deployment", deployed, "done"],
  [
    "Deployment",
    {
      ...deployed,
      updatedReplicas: 1,
      conditions: [{ type: "Progressing", reason: "ProgressDeadlineExceeded", message: "stuck" }],
    },
    "failed",
  ],
  ["StatefulSet", { ...seen, currentRevision: "a", updateRevision: "b" }, "0 of 3 pods are new"],
  [
    "StatefulSet",
    { ...seen, currentRevision: "b", updateRevision: "b", readyReplicas: 2 },
    "2 of 3 pods are ready",
  ],
  ["StatefulSet", { ...seen, currentRevision: "b", updateRevision: "b", readyReplicas: 3 }, "done"],
  [
    "DaemonSet",
    { ...seen, desiredNumberScheduled: 5, updatedNumberScheduled: 4 },
    "4 of 5 pods are new",
  ],
  [
    "DaemonSet",
    { ...seen, desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 4 },
    "4 of 5 pods are available",
  ],
  [
    "DaemonSet",
    { ...seen, desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 5 },
    "done",
  ],
  ["ReplicaSet", { ...seen, replicas: 3, availableReplicas: 2 }, "2 of 3 pods are available"],
  ["ReplicaSet", { ...seen, replicas: 3, availableReplicas: 3 }, "done"],
])("a rollout of a %s with %j", (kind, status, expected) => {
  const progress = assessRollout(kind, {
    metadata: { generation: 2 },
    spec: { replicas: 3 },
    status,
  });
  expect(progress.kind === "waiting" ? progress.detail : progress.kind).toBe(expected);
});

const budget = (name: string, selector: unknown, disruptionsAllowed: number) => ({
  metadata: { name },
  spec: { selector },
  status: { disruptionsAllowed },
});
test.each([
  ["of the same labels", { matchLabels: { app: "web" } }, 0, true],
  ["with room", { matchLabels: { app: "web" } }, 1, false],
  ["of others", { matchLabels: { app: "db" } }, 0, false],
  ["of all pods", {}, 0, true],
  ["of no pods", null, 0, false],
  [
    "by an expression",
    { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] },
    0,
    true,
  ],
  [
    "by another expression",
    { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] },
    0,
    false,
  ],
])("a PodDisruptionBudget %s", (...[, selector, allowed, blocks]) => {
  const budgets = { items: [budget("b", selector, allowed)] };
  expect(findBlockingBudgets(budgets, workload("Deployment"))).toEqual(blocks ? ["b"] : []);
});

/** A cluster whose workloads need some looks until they are up. */
function buildPorts(change: Partial<RestartPorts> = {}) {
  const log: string[] = [];
  let time = 0;
  const ports: RestartPorts = {
    read: async () => ({ metadata: { generation: 2 }, spec: { replicas: 3 }, status: deployed }),
    readBudgets: async () => ({ items: [] }),
    rollOut: async ({ ref }) => {
      log.push(`roll out ${ref.name}`);
    },
    evict: async (_, { name }) => {
      log.push(`evict ${name}`);
      return "evicted";
    },
    isGone: async () => true,
    pause: async () => {
      time += 1000;
    },
    now: () => time,
    tell: (line) => log.push(line),
    ...change,
  };
  return { ports, log };
}

const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);

describe("restarting", () => {
  const three = ["a", "b", "c"].map((name) => workload("Deployment", name));

  test("one after the other", async () => {
    const { ports, log } = buildPorts();
    const outcomes = await restartAll(three, { parallel: 1, timeoutMs: 5000, ports });
    expect(kinds(outcomes)).toEqual(["restarted", "restarted", "restarted"]);
    expect(log).toEqual(
      ["a", "b", "c"].flatMap((name) => [
        `shop/deployment/${name}: restarting`,
        `roll out ${name}`,
        `shop/deployment/${name}: up after 0 s`,
      ]),
    );
  });

  test("it ends with the first that does not come up", async () => {
    const { ports, log } = buildPorts({
      read: async ({ ref }) => ({
        metadata: { generation: 2 },
        spec: { replicas: 3 },
        status: ref.name === "b" ? { ...deployed, updatedReplicas: 1 } : deployed,
      }),
    });
    const outcomes = await restartAll(three, { parallel: 1, timeoutMs: 5000, ports });
    expect(outcomes).toEqual([
      { kind: "restarted" },
      { kind: "failed", why: "did not come up in time: 1 of 3 pods are new" },
      { kind: "not_begun" },
    ]);
    expect(log).not.toContain("roll out c");
  });

  test("some at a time", async () => {
    const started: string[] = [];
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const { ports } = buildPorts({
      rollOut: async ({ ref }) => {
        started.push(ref.name);
        if (ref.name === "a") await first.promise;
        else second.resolve();
      },
    });
    const running = restartAll(three, { parallel: 2, timeoutMs: 5000, ports });
    await second.promise;
    expect(started.slice(0, 2)).toEqual(["a", "b"]);
    first.resolve();
    expect(kinds(await running)).toEqual(["restarted", "restarted", "restarted"]);
  });

  test("a budget is waited for", async () => {
    let looks = 0;
    const { ports, log } = buildPorts({
      readBudgets: async () => {
        looks += 1;
        return { items: [budget("web", { matchLabels: { app: "web" } }, looks > 3 ? 1 : 0)] };
      },
    });
    const outcomes = await restartAll(three.slice(0, 1), { parallel: 1, timeoutMs: 9000, ports });
    expect(outcomes).toEqual([{ kind: "restarted" }]);
    expect(log.slice(0, 2)).toEqual([
      "shop/deployment/a: waiting, PodDisruptionBudget web lets no pod go",
      "shop/deployment/a: restarting",
    ]);
  });

  test("a budget that never gives way is no failure of the others", async () => {
    const { ports } = buildPorts({
      readBudgets: async () => ({ items: [budget("web", { matchLabels: { app: "web" } }, 0)] }),
    });
    const outcomes = await restartAll(three.slice(0, 2), { parallel: 1, timeoutMs: 2000, ports });
    const left = { kind: "left", why: "PodDisruptionBudget web lets no pod go" };
    expect(outcomes).toEqual([left, left]);
  });

  test("whoever lacks a right stops", async () => {
    const { ports } = buildPorts({
      readBudgets: async () => {
        throw new Error("Cannot list PodDisruptionBudgets: forbidden");
      },
    });
    const outcomes = await restartAll(three, { parallel: 1, timeoutMs: 2000, ports });
    expect(kinds(outcomes)).toEqual(["failed", "not_begun", "not_begun"]);
  });

  test("pods of a ReplicaSet are evicted one by one, as soon as a budget lets them", async () => {
    let asked = 0;
    const { ports, log } = buildPorts({
      evict: async (_, { name }) => {
        asked += 1;
        if (asked < 3) return "blocked";
        log.push(`evicted ${name}`);
        return "evicted";
      },
    });
    const given = [workload("ReplicaSet", "old")];
    const outcomes = await restartAll(given, { parallel: 1, timeoutMs: 9000, ports });
    expect(outcomes).toEqual([{ kind: "restarted" }]);
    expect(log).toEqual([
      "shop/replicaset/old: evicting pod old-1",
      "evicted old-1",
      "shop/replicaset/old: evicting pod old-2",
      "evicted old-2",
      "shop/replicaset/old: up after 2 s",
    ]);
  });

  test.each([
    ["a budget that never gives way", { evict: async () => "blocked" as const }, "left"],
    ["a pod that does not end", { isGone: async () => false }, "failed"],
    ["a ReplicaSet that was deleted meanwhile", { read: async () => null }, "failed"],
  ])("%s", async (_, change, kind) => {
    const { ports } = buildPorts(change);
    const given = [workload("ReplicaSet", "old")];
    const [outcome] = await restartAll(given, { parallel: 1, timeoutMs: 3000, ports });
    expect(outcome?.kind).toBe(kind);
  });
});

describe("what people see", () => {
  const survey: Survey = {
    compared: 14,
    workloads: [
      workload("Deployment"),
      {
        ...workload("Job", "migrate", "batch/v1"),
        pods: [{ ...pod("m"), reasons: [{ code: "missing", detail: "no bouncer" }] }],
      },
      workload("StatefulSet", "orders-database"),
      workload("DaemonSet", "agent"),
    ],
  };
  const outcomes: readonly Outcome[] = [
    { kind: "restarted" },
    { kind: "left", why: "it runs to its end; the next one gets what is new" },
    { kind: "failed", why: "did not come up in time: 1 of 3 pods are new" },
    { kind: "not_begun" },
  ];

  test.each([
    ["none", { compared: 14, workloads: [] }, null, false],
    ["some", survey, null, true],
    ["restarted", survey, outcomes, true],
    [
      "complete",
      { compared: 2, workloads: [workload("Deployment")] },
      [{ kind: "restarted" } as const],
      false,
    ],
  ])("%s", async (...[name, given, results, isLeft]) => {
    expect(isLeftOver(given, results)).toBe(isLeft);
    await expect(formatSurvey(given, results, false)).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  test("programs see the same", () => {
    expect(buildSurvey(survey, outcomes)).toMatchObject({
      compared: 14,
      outdated: [
        {
          namespace: "shop",
          kind: "Deployment",
          name: "web",
          pods: [{ name: "web-1", reasons: [{ code: "version" }] }, { name: "web-2" }],
          result: { kind: "restarted" },
        },
        { name: "migrate", result: { kind: "left" } },
        { name: "orders-database" },
        { name: "agent", result: { kind: "not_begun" } },
      ],
    });
  });
});

test.each([
  ["90s", 90],
  ["90", 90],
  ["5m", 300],
  ["1h", 3600],
  ["1h30m", 5400],
  ["0s", null],
  ["", null],
  ["5 m", null],
  ["-1s", null],
  ["1d", null],
])("the duration %j", (text, seconds) => {
  expect(parseSeconds(text)).toBe(seconds);
});
