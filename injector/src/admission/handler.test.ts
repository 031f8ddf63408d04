import { expect, test } from "vitest";
import { InjectorError } from "../errors.ts";
import type { EventDraft } from "../events/event.ts";
import type { Injection } from "../inject/injection.ts";
import type { Pod } from "../inject/kubernetes.ts";
import type { Namespace } from "../kube/namespaces.ts";
import { createLog } from "../telemetry/log.ts";
import { createAdmit } from "./handler.ts";
import type { AdmissionDeps } from "./handler.ts";
import type { Judgement } from "./judge.ts";
import type { AdmissionRequest } from "./review.ts";

const pod: Pod = { spec: { containers: [] } };
const shop: Namespace = {
  name: "shop",
  labels: { "bouncer-injection": "enabled" },
  annotations: {},
};
const request: AdmissionRequest = {
  uid: "u",
  kind: { group: "", version: "v1", kind: "Pod" },
  subResource: "",
  namespace: "shop",
  operation: "CREATE",
  dryRun: false,
  object: pod,
};
const injected: Injection = {
  kind: "inject",
  reason: "injected",
  pod,
  mode: "redirect",
  warnings: [],
};
const patch = [{ op: "add" as const, path: "/x", value: 1 }];

const answering = (injection: Injection): AdmissionDeps["judge"] => ({
  ask: async () => ({ injection, namespace: shop }),
});
const rejecting = (failure: Error): AdmissionDeps["judge"] => ({
  ask: async () => {
    throw failure;
  },
});

function setUp(changed: Partial<AdmissionDeps> = {}) {
  const lines: string[] = [];
  const observed: string[] = [];
  const events: EventDraft[] = [];
  const timers: (() => void)[] = [];
  const admit = createAdmit({
    judge: answering(injected),
    buildPatch: () => patch,
    observe: (result, reason) => observed.push(`${result} ${reason}`),
    record: (event) => events.push(event),
    revision: () => "blue",
    monotonic: () => 0,
    timer: {
      after: (_ms, callback) => {
        timers.push(callback);
        return () => undefined;
      },
    },
    log: createLog("info", { write: (line: string) => lines.push(line) }),
    ...changed,
  });
  return { admit, lines, observed, events, timers };
}

interface Row {
  readonly what: string;
  readonly deps: Partial<AdmissionDeps>;
  readonly answer: object;
  readonly observed: string;
}

const rows: readonly Row[] = [
  {
    what: "injected",
    deps: {},
    answer: { allowed: true, patch, warnings: [], reason: "injected" },
    observed: "injected injected",
  },
  {
    what: "injected with warnings",
    deps: {
      judge: answering({ ...injected, warnings: [{ code: "no_app_ports", message: "no ports" }] }),
    },
    answer: { allowed: true, warnings: ["no ports"] },
    observed: "injected injected",
  },
  {
    what: "skipped, and told why",
    deps: { judge: answering({ kind: "skip", reason: "windows", message: "windows" }) },
    answer: { allowed: true, patch: [], warnings: ["windows"], reason: "windows" },
    observed: "skipped windows",
  },
  {
    what: "skipped as it asked",
    deps: { judge: answering({ kind: "skip", reason: "opted_out", message: "opted out" }) },
    answer: { allowed: true, patch: [], warnings: [], reason: "opted_out" },
    observed: "skipped opted_out",
  },
  {
    what: "denied with every problem",
    deps: { judge: answering({ kind: "deny", reason: "invalid_pod", problems: ["a", "b"] }) },
    answer: { allowed: false, code: 422, message: "a; b", reason: "invalid_pod" },
    observed: "denied invalid_pod",
  },
  {
    what: "refused in a namespace that does not exist",
    deps: { judge: rejecting(new InjectorError("namespace_unknown", "Cannot inject")) },
    answer: { allowed: false, code: 404, reason: "namespace_unknown" },
    observed: "failed namespace_unknown",
  },
  {
    what: "refused when the namespace cannot be read",
    deps: { judge: rejecting(new InjectorError("api_failed", "Cannot read namespace")) },
    answer: { allowed: false, code: 503, message: "Cannot read namespace (api_failed)" },
    observed: "failed api_failed",
  },
  {
    what: "refused when the core throws",
    deps: { judge: rejecting(new TypeError("bug")) },
    answer: { allowed: false, code: 500, message: "bug (internal)" },
    observed: "failed internal",
  },
  {
    what: "refused when the patch is wrong",
    deps: {
      buildPatch: () => {
        throw new Error("mismatch");
      },
    },
    answer: { allowed: false, code: 500, message: "mismatch (internal)" },
    observed: "failed internal",
  },
];

test.each(rows)("a pod is $what", async ({ deps, answer, observed }) => {
  const setup = setUp(deps);
  expect(await setup.admit(request, 1000)).toMatchObject(answer);
  expect(setup.observed).toEqual([observed]);
});

test("the API server's audit log gets result, reason, revision and mode", async () => {
  const { admit } = setUp({ judge: answering({ ...injected, mode: "service" }) });
  expect(await admit(request, 1000)).toMatchObject({
    audit: { result: "injected", revision: "blue", mode: "service" },
  });
});

test("an admission is told by an Event, a dry run is not", async () => {
  const { admit, events } = setUp();
  await admit({ ...request, dryRun: true }, 1000);
  expect(events).toEqual([]);
  await admit(request, 1000);
  expect(events).toMatchObject([{ reason: "BouncerInjected", about: { kind: "Namespace" } }]);
});

test("what is not ready in time is refused, and no Event tells otherwise", async () => {
  const late = Promise.withResolvers<Judgement>();
  const { admit, timers, events } = setUp({ judge: { ask: () => late.promise } });
  const answer = admit(request, 4000);
  for (const elapsed of timers) elapsed();
  expect(await answer).toMatchObject({
    allowed: false,
    code: 504,
    message: "Cannot answer within 4000 ms (deadline_exceeded)",
  });
  late.resolve({ injection: injected, namespace: shop });
  await new Promise(setImmediate);
  expect(events).toEqual([]);
});

test("one log line for each admission, without the pod in it", async () => {
  const { admit, lines } = setUp();
  const secret = { name: "app", env: [{ name: "PASSWORD", value: "hunter2" }] };
  const object = { metadata: { generateName: "a-" }, spec: { containers: [secret] } };
  await admit({ ...request, object }, 1000);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    uid: "u",
    namespace: "shop",
    pod: "a-",
    result: "injected",
    reason: "injected",
    msg: "pod injected",
  });
  expect(lines[0]).not.toContain("hunter2");
});
