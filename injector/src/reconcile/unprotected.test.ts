import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { SkipCode } from "../admission/reasons.ts";
import type { Injection } from "../inject/injection.ts";
import { classifyPod } from "./unprotected.ts";
import type { Finding } from "./unprotected.ts";

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
const skipped = (reason: SkipCode): Injection => ({ kind: "skip", reason, message: "" });

interface Row {
  readonly what: string;
  readonly pod: unknown;
  readonly injection?: Injection;
  readonly is: Finding["kind"] | null;
}
const rows: readonly Row[] = [
  { what: "runs without a bouncer", pod, is: "unprotected" },
  {
    what: "has one among its init containers",
    pod: { ...pod, spec: { containers: [app], initContainers: [sidecar] } },
    is: null,
  },
  {
    what: "has one among its containers",
    pod: { ...pod, spec: { containers: [sidecar, app] } },
    is: null,
  },
  {
    what: "has only the redirect of one",
    pod: { ...pod, spec: { containers: [app], initContainers: [{ name: "bouncer-redirect" }] } },
    is: "unprotected",
  },
  { what: "opted out", pod, injection: skipped("opted_out"), is: "left_out" },
  { what: "uses its node's network", pod, injection: skipped("host_network"), is: "left_out" },
  { what: "is for Windows", pod, injection: skipped("windows"), is: "left_out" },
  { what: "is never selected", pod, injection: skipped("never_selected"), is: "left_out" },
  {
    what: "is in a namespace of which nobody is counted",
    pod,
    injection: skipped("namespace_ignored"),
    is: null,
  },
  {
    what: "opted out when it had a bouncer",
    pod: { ...pod, spec: { containers: [sidecar] } },
    injection: skipped("opted_out"),
    is: null,
  },
  {
    what: "opted out and has succeeded",
    pod: { ...pod, status: { phase: "Succeeded" } },
    injection: skipped("opted_out"),
    is: null,
  },
  { what: "would be denied now", pod, injection: denied, is: "unprotected" },
  { what: "is pending", pod: { ...pod, status: { phase: "Pending" } }, is: "unprotected" },
  { what: "has no status yet", pod: { ...pod, status: undefined }, is: "unprotected" },
  { what: "has succeeded", pod: { ...pod, status: { phase: "Succeeded" } }, is: null },
  { what: "has failed", pod: { ...pod, status: { phase: "Failed" } }, is: null },
  {
    what: "is terminating",
    pod: { ...pod, metadata: { ...metadata, deletionTimestamp: created } },
    is: null,
  },
  {
    what: "was created a moment ago",
    pod: {
      ...pod,
      metadata: { ...metadata, creationTimestamp: new Date(now - 4999).toISOString() },
    },
    is: null,
  },
  { what: "cannot be read", pod: { metadata: { name: "a" } }, is: null },
];

test.each(rows)("a pod that $what: $is", (row) => {
  const injection = row.injection ?? injected;
  const found = {
    namespace: "shop",
    name: "web-1-a",
    uid: "1",
    createdAt: Date.parse(created),
    controller: { ...controller, namespace: "shop" },
    injection,
    ...(injection.kind === "skip" ? { code: injection.reason } : {}),
  };
  const finding = row.is === null ? null : { kind: row.is, pod: found };
  expect(classifyPod(row.pod, now, () => injection)).toEqual(finding);
});

test("who has a bouncer is not judged at all", () => {
  const bounced = { ...pod, spec: { containers: [sidecar] } };
  const judged: unknown[] = [];
  classifyPod(bounced, now, (it) => {
    judged.push(it);
    return injected;
  });
  expect(judged).toEqual([]);
});

test("never throws, whatever is listed", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(classifyPod(value, now, () => injected)).toBeNull();
    }),
  );
});
