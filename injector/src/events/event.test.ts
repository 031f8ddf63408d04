import { describe, expect, test } from "vitest";
import { reasons } from "../admission/reasons.ts";
import type { Injection } from "../inject/injection.ts";
import { controllerOf, describeAdmission, describeUnprotected, subjectOf } from "./event.ts";
import type { ObjectReference } from "./event.ts";

const pod = { spec: { containers: [] } };
const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "7" };
const about: ObjectReference = { ...owner, namespace: "shop" };
const labelled = { labels: { "bouncer-injection": "enabled" } };
const injected: Injection = {
  kind: "inject",
  reason: "injected",
  pod,
  mode: "redirect",
  warnings: [],
};

describe("what the Events of a pod are about", () => {
  test.each([
    {
      what: "its controller",
      metadata: {
        name: "web-1-a",
        ownerReferences: [
          { ...owner, kind: "Other" },
          { ...owner, controller: true },
        ],
      },
      subject: about,
    },
    {
      what: "the pod by its name, without a controller",
      metadata: { name: "a", ownerReferences: [owner] },
      subject: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "a", uid: null },
    },
    {
      what: "the namespace, without a name",
      metadata: { generateName: "a-" },
      subject: { apiVersion: "v1", kind: "Namespace", namespace: "shop", name: "shop", uid: null },
    },
    {
      what: "the namespace, when the metadata cannot be read",
      metadata: { name: 7, ownerReferences: "x" },
      subject: { apiVersion: "v1", kind: "Namespace", namespace: "shop", name: "shop", uid: null },
    },
  ])("$what", ({ metadata, subject }) => {
    expect(subjectOf(metadata, "shop")).toEqual(subject);
  });

  test("no metadata has no controller", () => {
    expect(controllerOf(undefined, "shop")).toBeNull();
  });
});

interface Row {
  readonly what: string;
  readonly injection: Injection;
  readonly events: readonly object[];
}
const rows: readonly Row[] = [
  {
    what: "injected",
    injection: injected,
    events: [{ type: "Normal", reason: "BouncerInjected", code: "injected" }],
  },
  {
    what: "injected with warnings",
    injection: { ...injected, warnings: [{ code: "no_app_ports", message: "No ports." }] },
    events: [
      { type: "Normal", reason: "BouncerInjected" },
      {
        type: "Warning",
        reason: "BouncerNoAppPorts",
        code: "no_app_ports",
        message: `No ports. ${reasons.no_app_ports.fix}`,
      },
    ],
  },
  {
    what: "injected again, after another webhook",
    injection: { ...injected, reason: "already_injected" },
    events: [],
  },
  {
    what: "skipped",
    injection: { kind: "skip", reason: "windows", message: "Windows." },
    events: [
      {
        type: "Warning",
        reason: "BouncerSkipped",
        code: "windows",
        message: `Windows. ${reasons.windows.fix}`,
      },
    ],
  },
  {
    what: "skipped as it asked",
    injection: { kind: "skip", reason: "opted_out", message: "" },
    events: [],
  },
  {
    what: "denied",
    injection: { kind: "deny", reason: "name_conflict", problems: ["a", "b"] },
    events: [
      {
        type: "Warning",
        reason: "BouncerDenied",
        code: "name_conflict",
        message: `a; b ${reasons.name_conflict.fix}`,
      },
    ],
  },
];

test.each(rows)("a pod that is $what", ({ injection, events }) => {
  const told = describeAdmission(about, labelled, injection);
  expect(told).toHaveLength(events.length);
  expect(told).toMatchObject(events.map((event) => ({ ...event, about })));
});

test("nothing is told where nobody asked for bouncers", () => {
  const skipped: Injection = { kind: "skip", reason: "namespace_not_labelled", message: "" };
  expect(describeAdmission(about, { labels: {} }, skipped)).toEqual([]);
});

test("a pod that runs without a bouncer", () => {
  expect(describeUnprotected(about, "web-1-a", injected)).toEqual({
    about,
    type: "Warning",
    reason: "BouncerUnprotected",
    code: "injected",
    message:
      "Pod web-1-a runs without a bouncer, so nothing decides about its requests. It gets one when it is created again: kubectl rollout restart",
  });
  const bare: ObjectReference = { ...about, apiVersion: "v1", kind: "Pod", name: "shell" };
  expect(describeUnprotected(bare, "shell", injected).message).toMatch(/is created again$/);
  const denied = { kind: "deny", reason: "name_conflict", problems: ["a"] } as const;
  const told = describeUnprotected(about, "web-1-a", denied);
  expect(told.code).toBe("name_conflict");
  expect(told.message).toMatch(/Created again, it would be denied: a /);
});

test("a message has 1024 bytes at most, and no half characters", () => {
  const problems = ["ü".repeat(2000)];
  const [event] = describeAdmission(about, labelled, {
    kind: "deny",
    reason: "invalid_pod",
    problems,
  });
  const message = event?.message ?? "";
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
  expect(message).toMatch(/^ü+…$/);
});
