import { expect, test } from "vitest";
import { InjectorError } from "../errors.ts";
import type { Injection } from "../inject/injection.ts";
import { createLog } from "../telemetry/log.ts";
import type { AdmissionRequest } from "./review.ts";
import { createWarn } from "./warn.ts";
import type { WarnDeps } from "./warn.ts";

const object = { metadata: { name: "web" }, spec: { template: { spec: { containers: [] } } } };
const request: AdmissionRequest = {
  uid: "u",
  kind: { group: "apps", version: "v1", kind: "Deployment" },
  subResource: "",
  namespace: "shop",
  operation: "CREATE",
  dryRun: false,
  object,
};
const injected: Injection = {
  kind: "inject",
  reason: "injected",
  mode: "redirect",
  pod: { spec: { containers: [] } },
  warnings: [],
};
const denied: Injection = { kind: "deny", reason: "invalid_annotation", problems: ["huge"] };

function setUp(ask: () => Promise<Injection>, changed: Partial<WarnDeps> = {}) {
  const observed: string[] = [];
  const lines: string[] = [];
  const timers: (() => void)[] = [];
  const warn = createWarn({
    judge: {
      ask: async () => ({
        injection: await ask(),
        namespace: { name: "shop", labels: {}, annotations: {} },
      }),
    },
    observe: (result, reason) => observed.push(`${result} ${reason}`),
    revision: () => "",
    timer: {
      after: (_ms, callback) => {
        timers.push(callback);
        return () => undefined;
      },
    },
    log: createLog("info", { write: (line: string) => lines.push(line) }),
    ...changed,
  });
  return { warn, observed, lines, timers };
}

const quiet = { allowed: true, patch: [], warnings: [] };

test("pods that are simply injected: nothing is said", async () => {
  const { warn, observed } = setUp(async () => injected);
  expect(await warn(request, 1000)).toMatchObject({ ...quiet, reason: "injected" });
  expect(observed).toEqual(["silent injected"]);
});

test("pods that will be denied: a warning, and the workload is allowed", async () => {
  const { warn, observed } = setUp(async () => denied);
  expect(await warn(request, 1000)).toMatchObject({
    allowed: true,
    patch: [],
    warnings: ['pods of Deployment "web" will be refused: huge'],
    audit: { result: "warned" },
  });
  expect(observed).toEqual(["warned invalid_annotation"]);
});

test("an update that leaves the template alone is not looked at", async () => {
  const { warn, observed } = setUp(() => Promise.reject(new Error("looked at")));
  const update = { ...request, operation: "UPDATE", oldObject: structuredClone(object) };
  expect(await warn(update, 1000)).toMatchObject(quiet);
  expect(observed).toEqual(["unchanged unchanged"]);
});

test.each([
  { failure: new InjectorError("api_failed", "Cannot read namespace"), code: "api_failed" },
  { failure: new TypeError("bug"), code: "internal" },
])("whatever goes wrong refuses nothing: $code", async ({ failure, code }) => {
  const { warn, observed, lines } = setUp(() => Promise.reject(failure));
  expect(await warn(request, 1000)).toMatchObject({ ...quiet, reason: code });
  expect(observed).toEqual([`failed ${code}`]);
  expect(lines[0]).toContain(failure.message);
});

test("what is not known in time refuses nothing", async () => {
  const { warn, timers } = setUp(() => Promise.withResolvers<never>().promise);
  const answer = warn(request, 1000);
  for (const elapsed of timers) elapsed();
  expect(await answer).toMatchObject({ ...quiet, reason: "deadline_exceeded" });
});

test("what is no workload is an error of the set-up, and told as one", async () => {
  const { warn, observed } = setUp(async () => injected);
  await expect(warn({ ...request, operation: "DELETE" }, 1000)).rejects.toMatchObject({
    code: "request_unexpected",
  });
  expect(observed).toEqual([]);
});
