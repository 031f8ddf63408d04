import { describe, expect, test } from "vitest";
import type { ObjectReference } from "../events/event.ts";
import { createCandidates, isEvictable } from "./candidates.ts";
import type { UnprotectedPod } from "./unprotected.ts";

const owner = (apiVersion: string, kind: string, uid = "7"): ObjectReference => ({
  apiVersion,
  kind,
  namespace: "shop",
  name: "web",
  uid,
});
const pod: UnprotectedPod = {
  namespace: "shop",
  name: "a",
  uid: "1",
  createdAt: 0,
  controller: owner("apps/v1", "ReplicaSet"),
  injection: {
    kind: "inject",
    reason: "injected",
    mode: "redirect",
    pod: { spec: { containers: [] } },
    warnings: [],
  },
};

test.each([
  { apiVersion: "apps/v1", kind: "ReplicaSet", evictable: true },
  { apiVersion: "apps/v1", kind: "StatefulSet", evictable: true },
  { apiVersion: "v1", kind: "ReplicationController", evictable: true },
  { apiVersion: "apps/v1", kind: "DaemonSet", evictable: false },
  { apiVersion: "batch/v1", kind: "Job", evictable: false },
  { apiVersion: "v1", kind: "Node", evictable: false },
  { apiVersion: "x.io/v1", kind: "StatefulSet", evictable: false },
])("a pod of a $kind of $apiVersion: evictable $evictable", ({ apiVersion, kind, evictable }) => {
  expect(isEvictable({ ...pod, controller: owner(apiVersion, kind) })).toBe(evictable);
});

test("without a controller nothing would come back", () => {
  expect(isEvictable({ ...pod, controller: null })).toBe(false);
});

test("a pod that would be denied now is left where it is", () => {
  const injection = { kind: "deny", reason: "name_conflict", problems: [] } as const;
  expect(isEvictable({ ...pod, injection })).toBe(false);
});

describe("of what is considered", () => {
  test("one pod of each controller is taken, once", () => {
    const candidates = createCandidates();
    const other = { ...pod, name: "c", controller: owner("apps/v1", "ReplicaSet", "8") };
    expect(candidates.consider(pod, 0)).toBe("taken");
    expect(candidates.consider({ ...pod, name: "b" }, 0)).toBe("left");
    expect(candidates.consider(other, 0)).toBe("taken");
    expect(candidates.take()).toEqual([pod, other]);
    expect(candidates.take()).toEqual([]);
  });

  test("the rest of a controller's pods follow in later passes", () => {
    const candidates = createCandidates();
    candidates.evicted(pod, 1000);
    expect(candidates.consider({ ...pod, name: "b" }, 2000)).toBe("taken");
  });

  test("a controller whose eviction was blocked rests, so that others get their turn", () => {
    const candidates = createCandidates();
    candidates.blocked(pod, 1000);
    expect(candidates.consider(pod, 1000 + 30_000 - 1)).toBe("left");
    expect(candidates.consider(pod, 1000 + 30_000)).toBe("taken");
  });

  test("a controller whose next pod had no bouncer either is given up for an hour", () => {
    const candidates = createCandidates();
    candidates.evicted(pod, 1000);
    const next = { ...pod, name: "b", createdAt: 1001 };
    expect(candidates.consider(next, 2000)).toBe("fruitless");
    expect(candidates.consider(next, 2000)).toBe("left");
    expect(candidates.take()).toEqual([]);
    expect(candidates.consider(next, 2000 + 60 * 60_000)).toBe("taken");
  });
});
