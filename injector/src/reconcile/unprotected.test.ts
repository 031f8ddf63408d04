import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Injection } from "../inject/injection.ts";
import { findUnprotected } from "./unprotected.ts";

const created = "2026-11-21T12:00:00Z";
const now = Date.parse(created) + 60_000;
const controller = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "7" };
const metadata = {
  namespace: "shop",
  name: "web-1-a",
  uid: "1",
  creationTimestamp: created,
  ownerReferences: [{ ...controller, controller: true }],
};
const app = { name: "app" };
const sidecar = { name: "bouncer-sidecar", restartPolicy: "Always" };
const pod = { metadata, spec: { containers: [app] }, status: { phase: "Running" } };

const injected: Injection = {
  kind: "inject",
  reason: "injected",
  mode: "redirect",
  pod,
  warnings: [],
};
const denied: Injection = { kind: "deny", reason: "name_conflict", problems: ["a"] };
const skipped: Injection = { kind: "skip", reason: "opted_out", message: "" };

interface Row {
  readonly what: string;
  readonly pod: unknown;
  readonly injection?: Injection;
  readonly isUnprotected: boolean;
}
const rows: readonly Row[] = [
  { what: "runs without a bouncer", pod, isUnprotected: true },
  {
    what: "has one among its init containers",
    pod: { ...pod, spec: { containers: [app], initContainers: [sidecar] } },
    isUnprotected: false,
  },
  {
    what: "has one among its containers",
    pod: { ...pod, spec: { containers: [sidecar, app] } },
    isUnprotected: false,
  },
  {
    what: "has only the redirect of one",
    pod: { ...pod, spec: { containers: [app], initContainers: [{ name: "bouncer-redirect" }] } },
    isUnprotected: true,
  },
  { what: "opted out", pod, injection: skipped, isUnprotected: false },
  { what: "would be denied now", pod, injection: denied, isUnprotected: true },
  { what: "is pending", pod: { ...pod, status: { phase: "Pending" } }, isUnprotected: true },
  { what: "has no status yet", pod: { ...pod, status: undefined }, isUnprotected: true },
  { what: "has succeeded", pod: { ...pod, status: { phase: "Succeeded" } }, isUnprotected: false },
  { what: "has failed", pod: { ...pod, status: { phase: "Failed" } }, isUnprotected: false },
  {
    what: "is terminating",
    pod: { ...pod, metadata: { ...metadata, deletionTimestamp: created } },
    isUnprotected: false,
  },
  {
    what: "was created a moment ago",
    pod: {
      ...pod,
      metadata: { ...metadata, creationTimestamp: new Date(now - 4999).toISOString() },
    },
    isUnprotected: false,
  },
  { what: "cannot be read", pod: { metadata: { name: "a" } }, isUnprotected: false },
];

test.each(rows)("a pod that $what: unprotected $isUnprotected", (row) => {
  const injection = row.injection ?? injected;
  const found = {
    namespace: "shop",
    name: "web-1-a",
    uid: "1",
    createdAt: Date.parse(created),
    controller: { ...controller, namespace: "shop" },
    injection,
  };
  expect(findUnprotected(row.pod, now, () => injection)).toEqual(row.isUnprotected ? found : null);
});

test("who has a bouncer is not judged at all", () => {
  const bounced = { ...pod, spec: { containers: [sidecar] } };
  const judged: unknown[] = [];
  findUnprotected(bounced, now, (it) => {
    judged.push(it);
    return injected;
  });
  expect(judged).toEqual([]);
});

test("never throws, whatever is listed", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(findUnprotected(value, now, () => injected)).toBeNull();
    }),
  );
});
