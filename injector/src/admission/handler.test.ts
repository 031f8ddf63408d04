import { expect, test } from "vitest";
import { InjectorError } from "../errors.ts";
import type { Injection } from "../inject/injection.ts";
import type { Pod } from "../inject/kubernetes.ts";
import type { Namespace } from "../kube/namespaces.ts";
import { parseSettings } from "../settings.ts";
import { createLog } from "../telemetry/log.ts";
import { createAdmit } from "./handler.ts";
import type { AdmissionDeps } from "./handler.ts";
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
const injected: Injection = { kind: "inject", reason: "injected", pod, warnings: [] };
const notLabelled: Injection = {
  kind: "skip",
  reason: "namespace_not_labelled",
  message: "not labelled",
};
const patch = [{ op: "add" as const, path: "/x", value: 1 }];

function setUp(changed: Partial<AdmissionDeps> = {}) {
  const parsed = parseSettings({});
  if (!parsed.ok) throw new Error("the defaults are valid");
  const lines: string[] = [];
  const observed: string[] = [];
  const timers: (() => void)[] = [];
  const admit = createAdmit({
    inject: () => injected,
    buildPatch: () => patch,
    namespaces: { cached: () => shop, read: async () => shop },
    settings: () => parsed.settings,
    injectorNamespace: "bouncer-system",
    version: "1",
    createAdminToken: () => "t",
    observe: (result, reason) => observed.push(`${result} ${reason}`),
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
  return { admit, lines, observed, timers };
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
      inject: () => ({ ...injected, warnings: [{ code: "no_app_ports", message: "no ports" }] }),
    },
    answer: { allowed: true, warnings: ["no ports"] },
    observed: "injected injected",
  },
  {
    what: "skipped, and told why",
    deps: { inject: () => ({ kind: "skip", reason: "windows", message: "windows" }) },
    answer: { allowed: true, patch: [], warnings: ["windows"], reason: "windows" },
    observed: "skipped windows",
  },
  {
    what: "skipped as it asked",
    deps: { inject: () => ({ kind: "skip", reason: "opted_out", message: "opted out" }) },
    answer: { allowed: true, patch: [], warnings: [], reason: "opted_out" },
    observed: "skipped opted_out",
  },
  {
    what: "denied with every problem",
    deps: { inject: () => ({ kind: "deny", reason: "invalid_pod", problems: ["a", "b"] }) },
    answer: { allowed: false, code: 422, message: "a; b", reason: "invalid_pod" },
    observed: "denied invalid_pod",
  },
  {
    what: "refused in a namespace that does not exist",
    deps: { namespaces: { cached: () => undefined, read: async () => null } },
    answer: { allowed: false, code: 404, reason: "namespace_unknown" },
    observed: "failed namespace_unknown",
  },
  {
    what: "refused when the namespace cannot be read",
    deps: {
      namespaces: {
        cached: () => undefined,
        read: () => Promise.reject(new InjectorError("api_failed", "Cannot read namespace")),
      },
    },
    answer: { allowed: false, code: 503, message: "Cannot read namespace (api_failed)" },
    observed: "failed api_failed",
  },
  {
    what: "refused when the core throws",
    deps: {
      inject: () => {
        throw new TypeError("bug");
      },
    },
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

test("a namespace that the cache knows is not asked for", async () => {
  const { admit } = setUp({
    namespaces: { cached: () => shop, read: () => Promise.reject(new Error("asked")) },
  });
  expect(await admit(request, 1000)).toMatchObject({ allowed: true });
});

test("nobody is skipped on the word of the cache alone", async () => {
  const stale = { ...shop, labels: {} };
  const { admit } = setUp({
    namespaces: { cached: () => stale, read: async () => shop },
    inject: (_object, { namespace }) => (namespace === stale ? notLabelled : injected),
  });
  expect(await admit(request, 1000)).toMatchObject({ reason: "injected" });
});

test("what is not ready in time is refused", async () => {
  const never = Promise.withResolvers<null>();
  const { admit, timers } = setUp({
    namespaces: { cached: () => undefined, read: () => never.promise },
  });
  const answer = admit(request, 4000);
  for (const elapsed of timers) elapsed();
  expect(await answer).toMatchObject({
    allowed: false,
    code: 504,
    message: "Cannot answer within 4000 ms (deadline_exceeded)",
  });
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
