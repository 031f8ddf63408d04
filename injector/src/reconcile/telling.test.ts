import { expect, test } from "vitest";
import { reasons } from "../admission/reasons.ts";
import type { ObjectReference } from "../events/event.ts";
import { leftOutCodes } from "./left-out.ts";
import type { LeftOutCode } from "./left-out.ts";
import { describeFinding } from "./telling.ts";
import type { Finding } from "./unprotected.ts";

const namespace = { labels: { "bouncer-injection": "enabled" } };
const controller: ObjectReference = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  namespace: "shop",
  name: "agent",
  uid: "7",
};
const pod = { namespace: "shop", name: "a", uid: "1", createdAt: 0, controller };

function leftOut(code: LeftOutCode, changed: Partial<typeof pod> | { controller: null }): Finding {
  const message = reasons[code].sentence;
  const injection = { kind: "skip", reason: code, message } as const;
  return { kind: "left_out", pod: { ...pod, ...changed, code, injection } };
}

test.each([
  { code: "never_selected", told: false },
  { code: "opted_out", told: false },
  { code: "host_network", told: true },
  { code: "windows", told: true },
] satisfies { code: LeftOutCode; told: boolean }[])(
  "a pod that is left out for $code: told $told",
  ({ code, told }) => {
    const { sentence, fix } = reasons[code];
    const message = `${sentence} ${fix}`;
    const draft = { about: controller, type: "Warning", reason: "BouncerSkipped", code, message };
    expect(describeFinding(leftOut(code, {}), namespace)).toEqual(told ? [draft] : []);
  },
);

test("every code is in the table above", () => {
  expect(leftOutCodes).toHaveLength(4);
});

test("without a controller it is told on the pod itself, as stored", () => {
  const about = { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "a", uid: "1" };
  const finding = leftOut("host_network", { controller: null });
  expect(describeFinding(finding, namespace)).toMatchObject([{ about }]);
});

test("an unprotected pod is told on its controller", () => {
  const injection = { kind: "deny", reason: "name_conflict", problems: ["a"] } as const;
  expect(
    describeFinding({ kind: "unprotected", pod: { ...pod, injection } }, namespace),
  ).toMatchObject([{ about: controller, reason: "BouncerUnprotected", code: "name_conflict" }]);
});
