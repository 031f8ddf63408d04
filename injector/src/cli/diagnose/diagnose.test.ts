import { describe, expect, test } from "vitest";
import { adminToken, buildContext, buildSettings } from "../../../test/support/context.ts";
import { inject } from "../../inject/pod.ts";
import type { Diagnosis, PolicyFacts, ProxyAnswer } from "./answers.ts";
import { countRequests, parseDiagnosis, parsePolicy, readProxyAnswer } from "./answers.ts";
import { type CheckCode, checks, known, missing, type Verdict } from "./checks.ts";
import { buildContent, diagnose, diagnoseWithout, formatRows, worst } from "./diagnose.ts";
import type { Facts, PortFacts } from "./facts.ts";
import { type ContainerFacts, gatherPodFacts, type PodFacts } from "./pod.ts";
import { formatAge } from "./policy-rows.ts";
import { findServing } from "./serving.ts";

const running: ContainerFacts = {
  name: "bouncer-sidecar",
  isInit: true,
  state: { kind: "running", ready: true },
  restarts: 0,
  lastEnd: null,
};
const finished = (name: string): ContainerFacts => ({
  ...running,
  name,
  state: { kind: "ended", exitCode: 0, reason: "Completed", message: "" },
});

const pod: PodFacts = {
  namespace: "shop",
  name: "web-1",
  labels: { app: "web" },
  phase: "Running",
  isEnding: false,
  unscheduled: null,
  address: "10.0.0.7",
  mark: { kind: "version", version: "1.2.3" },
  redirect: finished("bouncer-redirect"),
  loader: finished("policy-loader"),
  sidecar: running,
  listeners: [{ port: 8080, targetPort: 3000 }],
  opaquePorts: [],
  tlsPorts: [],
  tlsSecret: null,
  appProtocols: new Map(),
  adminPort: 9090,
  adminToken,
  shadow: false,
  excludedSources: "",
  pullSecrets: [],
  namedPorts: new Map([["http", 3000]]),
};

const policy: PolicyFacts = {
  bundles: [{ name: "policy.tar.gz", revision: "42" }],
  revision: "42",
  sha256: "3f786850e387550fdab836ed7e6dc881de23001b",
  ageSeconds: 7300,
  source: { kind: "bridge", connected: true, error: null },
};

const diagnosis: Diagnosis = {
  version: "1.2.3",
  listeners: [
    {
      port: 8080,
      target: "10.0.0.7:3000",
      listening: true,
      application: { ok: true, error: null },
    },
  ],
  policy,
  probes: [{ container: "web", field: "livenessProbe", status: 200, error: null }],
  audit: {
    enabled: true,
    destination: "stdout",
    mode: "availability",
    dropped: 0,
    error: null,
  },
  shadow: false,
};

const answer = (status: number, headers: Readonly<Record<string, string>> = {}): ProxyAnswer => ({
  kind: "answer",
  status,
  headers,
  body: "",
});
const refused = (status: number, reason: string) =>
  answer(status, { "x-bouncer-reason": reason, "x-bouncer-decision-id": "1" });

const port: PortFacts = {
  listener: { port: 8080, targetPort: 3000 },
  marked: refused(400, "ambiguous_request"),
  counted: { before: 3, after: 4 },
  plain: answer(200),
};

const facts: Facts = {
  pod,
  installed: known("1.2.3"),
  logs: {},
  absentSecrets: known([]),
  hasCertificate: known(true),
  diagnosis: known(diagnosis),
  policy: known(policy),
  ports: known([port]),
  services: known([]),
};

const withPod = (change: Partial<PodFacts>): Facts => ({ ...facts, pod: { ...pod, ...change } });
const withDiagnosis = (change: Partial<Diagnosis>): Facts => ({
  ...facts,
  diagnosis: known({ ...diagnosis, ...change }),
});
const withPolicy = (change: Partial<PolicyFacts>): Facts => ({
  ...facts,
  policy: known({ ...policy, ...change }),
});
const withPort = (change: Partial<PortFacts>, more: Partial<PodFacts> = {}): Facts => ({
  ...withPod(more),
  ports: known([{ ...port, ...change }]),
});
const [listener] = diagnosis.listeners;
if (listener === undefined) throw new Error("there is one");

const ended = (exitCode: number, reason = "Error", message = "") => ({ exitCode, reason, message });
const crashing = (name: string): ContainerFacts => ({
  ...running,
  name,
  state: { kind: "waiting", reason: "CrashLoopBackOff", message: "back-off" },
  restarts: 3,
  lastEnd: ended(1),
});
const waiting = (reason: string, message = ""): ContainerFacts => ({
  ...running,
  state: { kind: "waiting", reason, message },
});
const serviceMode: Partial<PodFacts> = { redirect: null };
const service = (targetPort: number | string) => ({
  name: "web",
  selector: { app: "web" },
  ports: [{ port: 80, targetPort, protocol: "TCP", appProtocol: null }],
});

test("a pod in which all is well", () => {
  const rows = diagnose(facts);
  expect(rows.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  expect(rows.filter(({ next }) => next !== "")).toEqual([]);
  expect(worst(rows)).toBe("ok");
});

const redirectForbidden = missing("the pod proxy may not be used: forbidden", "Needed is ...");

type Case = readonly [
  title: string,
  facts: Facts,
  code: CheckCode,
  verdict: Verdict,
  detail: RegExp,
];
const cases: readonly Case[] = [
  ["no annotation", withPod({ mark: { kind: "none" } }), "bouncer", "warning", /no status annot/],
  [
    "an annotation that nobody can read",
    withPod({ mark: { kind: "invalid", problem: "annotation is not what was written" } }),
    "bouncer",
    "warning",
    /not what was written/,
  ],
  ["a native sidecar", facts, "bouncer", "ok", /^redirect mode, a native sidecar$/],
  [
    "a classic sidecar in service mode",
    withPod({ ...serviceMode, sidecar: { ...running, isInit: false } }),
    "bouncer",
    "ok",
    /^service mode, a plain container$/,
  ],
  ["an older version", { ...facts, installed: known("1.3.0") }, "version", "warning", /by 1.2.3, /],
  [
    "an installation that may not be read",
    { ...facts, installed: missing("Cannot list", "") },
    "version",
    "unknown",
    /^the pod has 1.2.3; Cannot list$/,
  ],
  ["shadow mode", withDiagnosis({ shadow: true }), "shadow", "warning", /let through/],
  [
    "shadow mode, by the pod alone",
    { ...withPod({ shadow: true }), diagnosis: missing("", "") },
    "shadow",
    "warning",
    /let through/,
  ],
  [
    "an image that cannot be pulled",
    {
      ...withPod({ sidecar: waiting("ImagePullBackOff", "back-off") }),
      absentSecrets: known(["s"]),
    },
    "images",
    "fail",
    /bouncer-sidecar: ImagePullBackOff: back-off/,
  ],
  [
    "a pull secret that is not there",
    { ...facts, absentSecrets: known(["registry"]) },
    "images",
    "warning",
    /"registry" does not exist/,
  ],
  [
    "a pod that no node takes",
    withPod({
      unscheduled: "0/3 nodes are available",
      redirect: { ...running, state: { kind: "none" } },
      loader: { ...running, state: { kind: "none" } },
      sidecar: { ...running, state: { kind: "none" } },
    }),
    "images",
    "unknown",
    /no node: 0\/3/,
  ],
  [
    "a redirect that failed, by its log",
    {
      ...withPod({ redirect: crashing("bouncer-redirect") }),
      logs: {
        "bouncer-redirect": known([
          `{"level":"error","code":"redirect_not_permitted","msg":"Cannot install: EPERM"}`,
        ]),
      },
    },
    "redirect_step",
    "fail",
    /^ended with 1, 4 times: redirect_not_permitted: Cannot install: EPERM$/,
  ],
  [
    "a redirect that failed, by its termination message",
    withPod({
      redirect: {
        ...running,
        state: { kind: "ended", ...ended(2, "Error", "first\nno iptables\n") },
      },
    }),
    "redirect_step",
    "fail",
    /^ended with 2: no iptables$/,
  ],
  [
    "a loader whose log may not be read",
    {
      ...withPod({ loader: crashing("policy-loader") }),
      logs: { "policy-loader": missing("no", "") },
    },
    "loader_step",
    "fail",
    /its log is not known: no/,
  ],
  ["a loader at work", withPod({ loader: running }), "loader_step", "warning", /not finished/],
  ["a loader that somebody removed", withPod({ loader: null }), "loader_step", "fail", /removed/],
  [
    "a loader that waits for the redirect",
    withPod({ loader: waiting("PodInitializing") }),
    "loader_step",
    "unknown",
    /not started/,
  ],
  [
    "a sidecar that is not ready",
    withPod({ sidecar: { ...running, state: { kind: "running", ready: false } } }),
    "sidecar",
    "fail",
    /not ready/,
  ],
  [
    "a sidecar that was killed for its memory",
    withPod({ sidecar: { ...running, restarts: 2, lastEnd: ended(137, "OOMKilled") } }),
    "sidecar",
    "warning",
    /2 restarts; before, it ended with 137 \(OOMKilled\)/,
  ],
  ["a sidecar that crashes", withPod({ sidecar: crashing("x") }), "sidecar", "fail", /3 restarts/],
  [
    "a sidecar that waits for its steps",
    withPod({ sidecar: waiting("PodInitializing") }),
    "sidecar",
    "fail",
    /a step before it/,
  ],
  [
    "a sidecar of a pod that ends",
    withPod({ isEnding: true, sidecar: { ...running, state: { kind: "ended", ...ended(0) } } }),
    "sidecar",
    "warning",
    /ending/,
  ],
  [
    "a listener that does not listen",
    withDiagnosis({ listeners: [{ ...listener, listening: false }] }),
    "listener",
    "fail",
    /not listen on 8080/,
  ],
  ["a listener that nobody names", withDiagnosis({ listeners: [] }), "listener", "unknown", /8080/],
  ["no app ports", withPod({ listeners: [] }), "listener", "warning", /no app port/],
  ["LISTENERS that nobody can read", withPod({ listeners: null }), "listener", "unknown", /LIST/],
  [
    "an application that does not listen",
    withDiagnosis({
      listeners: [{ ...listener, application: { ok: false, error: "ECONNREFUSED" } }],
    }),
    "application",
    "fail",
    /10.0.0.7:3000 does not accept connections: ECONNREFUSED/,
  ],
  ["a bouncer's refusal", facts, "redirect", "ok", /\(ambiguous_request\)/],
  [
    "an application that answers by itself",
    withPort({ marked: answer(404), counted: { before: 3, after: 3 } }),
    "redirect",
    "fail",
    /HTTP 404 without a mark of the bouncer, and it counted no request: requests go around/,
  ],
  [
    "an answer without a mark, while others ask",
    withPort({ marked: answer(404), counted: { before: 3, after: 9 } }),
    "redirect",
    "warning",
    /counted 6 requests, which may be others/,
  ],
  [
    "an answer without a mark, and no counters",
    withPort({ marked: answer(404), counted: { before: null, after: 9 } }),
    "redirect",
    "unknown",
    /counters cannot be read/,
  ],
  [
    "an answer without a mark, where sources are excluded",
    withPort(
      { marked: answer(200), counted: { before: 3, after: 3 } },
      { excludedSources: "10.0.0.0/8" },
    ),
    "redirect",
    "warning",
    /10.0.0.0\/8 are let through/,
  ],
  [
    "a port that refuses, though the bouncer listens",
    withPort({ marked: { kind: "unreachable", message: "dial: connect: connection refused" } }),
    "redirect",
    "fail",
    /not redirected/,
  ],
  [
    "a port that refuses, and a bouncer that does not listen",
    {
      ...withPort({ marked: { kind: "unreachable", message: "connection refused" } }),
      diagnosis: missing("not asked", ""),
    },
    "redirect",
    "unknown",
    /connection refused/,
  ],
  [
    "a port that cannot be reached",
    withPort({ marked: { kind: "unreachable", message: "dial tcp: i/o timeout" } }),
    "redirect",
    "unknown",
    /cannot reach port 3000: dial tcp: i\/o timeout/,
  ],
  [
    "a proxy that is forbidden",
    { ...facts, ports: redirectForbidden },
    "redirect",
    "unknown",
    /may/,
  ],
  [
    "TLS and another version",
    withPod({ tlsPorts: [3000], appProtocols: new Map([[3000, "h2c"]]) }),
    "listener",
    "ok",
    /^the bouncer listens on 8080, with TLS, speaks HTTP\/2 to the application \(h2c\)$/,
  ],
  ["a certificate", withPod({ tlsSecret: "orders" }), "certificate", "ok", /^Secret "orders"$/],
  [
    "a certificate that is not there",
    { ...withPod({ tlsSecret: "orders" }), hasCertificate: known(false) },
    "certificate",
    "fail",
    /does not start without it/,
  ],
  [
    "a certificate that may not be looked at",
    { ...withPod({ tlsSecret: "orders" }), hasCertificate: missing("forbidden", "") },
    "certificate",
    "unknown",
    /^forbidden$/,
  ],
  ["an opaque port", withPod({ opaquePorts: [3000] }), "redirect", "unknown", /^opaque/],
  [
    "a port beyond those that are asked",
    { ...facts, ports: known([]) },
    "redirect",
    "unknown",
    /too many/,
  ],
  [
    "a refusal of the policy",
    withPort({ plain: refused(403, "policy") }),
    "through",
    "ok",
    /403 from the bouncer \(policy\)/,
  ],
  [
    "a status of the application",
    withPort({ plain: answer(500) }),
    "through",
    "ok",
    /500 from the a/,
  ],
  ["no policy", withPort({ plain: refused(503, "no_policy") }), "through", "fail", /no_policy/],
  [
    "an application that is down",
    withPort({ plain: refused(502, "app_unreachable") }),
    "through",
    "fail",
    /app_unreachable/,
  ],
  [
    "a way that leads around the bouncer",
    withPort({ marked: answer(200), counted: { before: 1, after: 1 } }),
    "through",
    "unknown",
    /not seen to pass/,
  ],
  [
    "a Service past the bouncer, by number",
    { ...withPod(serviceMode), services: known([service(3000)]) },
    "services",
    "fail",
    /^web \(port 80 to 3000\): past/,
  ],
  [
    "a Service past the bouncer, by name",
    { ...withPod(serviceMode), services: known([service("http")]) },
    "services",
    "fail",
    /^web \(port 80 to http\): past/,
  ],
  [
    "a Service to the bouncer",
    { ...withPod(serviceMode), services: known([service("bouncer"), service(8080)]) },
    "services",
    "ok",
    /every port leads to the bouncer/,
  ],
  [
    "a Service of others",
    {
      ...withPod(serviceMode),
      services: known([
        { ...service(3000), selector: { app: "x" } },
        { ...service(3000), selector: {} },
      ]),
    },
    "services",
    "ok",
    /no Service selects/,
  ],
  [
    "Services that may not be listed",
    { ...withPod(serviceMode), services: missing("Cannot list Services", "") },
    "services",
    "unknown",
    /Cannot list/,
  ],
  ["no policy yet", withPolicy({ revision: null, sha256: null }), "policy", "fail", /^none/],
  ["a policy", facts, "policy", "ok", /^revision 42 \(sha256 3f786850e387\), for 2 h$/],
  [
    "a policy of several bundles",
    withPolicy({
      bundles: [
        { name: "policy.tar.gz", revision: "42" },
        { name: "shop.tar.gz", revision: "" },
      ],
    }),
    "policy",
    "ok",
    /, for 2 h; policy\.tar\.gz revision 42, shop\.tar\.gz without a revision$/,
  ],
  ["a policy without a revision", withPolicy({ revision: "" }), "policy", "ok", /^without a rev/],
  [
    "a bridge that went away",
    withPolicy({
      source: { kind: "bridge", connected: false, error: "sync_unreachable: refused" },
    }),
    "policy_source",
    "warning",
    /^the bridge is not in reach: sync_unreachable: refused$/,
  ],
  [
    "a bridge that never was",
    withPolicy({
      revision: null,
      sha256: null,
      source: { kind: "bridge", connected: false, error: null },
    }),
    "policy_source",
    "fail",
    /not in reach/,
  ],
  [
    "a bundle that was refused",
    withPolicy({ source: { kind: "poll", connected: true, error: "bundle_invalid: x" } }),
    "policy_source",
    "warning",
    /in reach: bundle_invalid/,
  ],
  [
    "a policy for good",
    withPolicy({ source: { kind: "none", connected: false, error: null } }),
    "policy_source",
    "warning",
    /^none/,
  ],
  [
    "a probe that fails",
    withDiagnosis({
      probes: [{ container: "web", field: "readinessProbe", status: 502, error: "refused" }],
    }),
    "probe",
    "fail",
    /^HTTP 502: refused$/,
  ],
  [
    "a probe without an answer",
    withDiagnosis({ probes: [{ container: "web", field: "x", status: null, error: null }] }),
    "probe",
    "fail",
    /^no answer$/,
  ],
  ["no probes", withDiagnosis({ probes: [] }), "probe", "ok", /none/],
  [
    "records that were lost",
    withDiagnosis({ audit: { ...diagnosis.audit, dropped: 7 } }),
    "audit",
    "warning",
    /7 records lost/,
  ],
  [
    "a destination that cannot be written",
    withDiagnosis({ audit: { ...diagnosis.audit, error: "ENOSPC" } }),
    "audit",
    "fail",
    /ENOSPC/,
  ],
  [
    "no audit",
    withDiagnosis({ audit: { ...diagnosis.audit, enabled: false } }),
    "audit",
    "ok",
    /^off/,
  ],
];

test.each(cases)("%s", (...[, given, code, verdict, detail]) => {
  const found = diagnose(given).find((row) => row.code === code);
  expect(found).toMatchObject({ verdict });
  expect(found?.detail).toMatch(detail);
});

test("whatever is not good says what to do, or is unknown", () => {
  const silent = cases
    .flatMap(([, given]) => diagnose(given))
    .filter(({ verdict, next }) => verdict === "fail" && next === "");
  expect(silent).toEqual([]);
});

test("every check is seen", () => {
  const seen = cases.flatMap(([, given]) => diagnose(given)).map(({ code }) => code);
  expect([...new Set(seen)].toSorted()).toEqual(Object.keys(checks).toSorted());
});

describe("a pod without a bouncer has one row", () => {
  test.each([
    ["never injected", { mark: { kind: "none" } }, /has no bouncer/],
    ["the sidecar was removed", {}, /annotation, but no container bouncer-sidecar/],
  ] as const)("%s", (_, change, detail) => {
    const rows = diagnoseWithout({ ...pod, sidecar: null, ...change });
    expect(rows).toMatchObject([{ code: "bouncer", verdict: "fail" }]);
    expect(rows?.[0]?.detail).toMatch(detail);
  });
});

describe("what people see", () => {
  const notReady: Facts = {
    ...withPod({
      sidecar: { ...running, state: { kind: "running", ready: false }, restarts: 1 },
      listeners: [
        { port: 8080, targetPort: 3000 },
        { port: 15_001, targetPort: 9000 },
      ],
    }),
    installed: known("1.3.0"),
    diagnosis: known({
      ...diagnosis,
      listeners: [listener, { ...listener, port: 15_001, target: "10.0.0.7:9000" }],
    }),
    policy: known({
      ...policy,
      revision: null,
      sha256: null,
      source: { kind: "bridge", connected: false, error: "sync_unreachable: connect ECONNREFUSED" },
    }),
    ports: known([
      { ...port, plain: refused(503, "no_policy") },
      {
        ...port,
        listener: { port: 15_001, targetPort: 9000 },
        marked: answer(404),
        counted: { before: 5, after: 5 },
      },
    ]),
  };
  const forbidden = missing(
    `the pod proxy may not be used: pods "web-1" is forbidden`,
    `Needed is the permission to get pods/proxy in namespace "shop"`,
  );
  const blind: Facts = {
    ...facts,
    diagnosis: forbidden,
    policy: forbidden,
    ports: forbidden,
  };
  test.each([
    ["well", facts],
    ["not-ready", notReady],
    ["forbidden", blind],
    ["service-mode", { ...withPod(serviceMode), services: known([service("http")]) }],
  ])("%s", async (name, given) => {
    const text = formatRows(given.pod, diagnose(given), false);
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  test("programs see the same", () => {
    const rows = diagnose(blind);
    expect(worst(rows)).toBe("unknown");
    expect(buildContent(pod, rows)).toMatchObject({
      pod: { namespace: "shop", name: "web-1" },
      mode: "redirect",
      verdict: "unknown",
      rows: rows.map(({ code, subject, verdict }) => ({ code, subject, verdict })),
    });
  });
});

describe("facts from the pod object", () => {
  const context = buildContext();
  const injected = inject(
    {
      metadata: { name: "web-1", namespace: "shop" },
      spec: { containers: [{ name: "web", ports: [{ containerPort: 3000, name: "http" }] }] },
    },
    context,
  );
  if (injected.kind !== "inject") throw new Error("it is injected");

  test("what the injector wrote is read back", () => {
    expect(gatherPodFacts(injected.pod, injected.pod)).toMatchObject({
      mark: { kind: "version", version: "1.2.3" },
      listeners: [{ port: 8080, targetPort: 3000 }],
      adminPort: 9090,
      adminToken,
      sidecar: { isInit: true, state: { kind: "none" } },
      redirect: { name: "bouncer-redirect" },
    });
  });

  test("of service mode, and without native sidecars", () => {
    const { namespace } = context;
    const labels = { ...namespace.labels, "pod-security.kubernetes.io/enforce": "restricted" };
    const restricted = inject(
      { spec: { containers: [{ name: "web", ports: [{ containerPort: 3000, name: "http" }] }] } },
      {
        ...context,
        settings: buildSettings({ nativeSidecar: false }),
        namespace: { ...namespace, labels },
      },
    );
    const given = restricted.kind === "inject" ? restricted.pod : injected.pod;
    const found = gatherPodFacts(given, given);
    expect(found).toMatchObject({ redirect: null, sidecar: { isInit: false } });
    expect(found.namedPorts.get("bouncer")).toBe(found.listeners?.[0]?.port);
    expect(found.namedPorts.get("http")).toBe(3000);
  });

  test.each([
    [{ waiting: { reason: "ImagePullBackOff" } }, { kind: "waiting", reason: "ImagePullBackOff" }],
    [{ running: { startedAt: "2026-01-01T00:00:00Z" } }, { kind: "running", ready: true }],
    [{ terminated: { exitCode: 3 } }, { kind: "ended", exitCode: 3, reason: "" }],
    [null, { kind: "none" }],
    ["odd", { kind: "none" }],
  ])("state %j", (state, expected) => {
    const initContainerStatuses = [{ name: "bouncer-sidecar", ready: true, state }];
    const value = { ...injected.pod, status: { initContainerStatuses } };
    expect(gatherPodFacts(injected.pod, value).sidecar?.state).toMatchObject(expected);
  });

  test.each([null, {}, { metadata: null }, { status: 7 }, { status: { podIP: 7 } }])(
    "odd objects do not end it: %j",
    (value) => {
      expect(gatherPodFacts(injected.pod, value)).toMatchObject({ phase: "", adminPort: 9090 });
    },
  );
});

const status = (code: number, message: string) =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, message });

describe("answers", () => {
  test.each([
    ["# TYPE bouncer_requests_total counter\n", 0],
    [
      `# TYPE bouncer_requests_total counter\nbouncer_requests_total{verdict="allow",reason=""} 3\nbouncer_requests_total{verdict="none",reason="ambiguous_request"} 1\n`,
      4,
    ],
    ["<html>", null],
  ])("counters: %j", (text, count) => {
    expect(countRequests(text)).toBe(count);
  });

  test.each([
    [200, "hello", "answer"],
    [403, "the application's own", "answer"],
    [503, `{"reason":"no_policy"}`, "answer"],
    [403, status(403, `pods "web" is forbidden`), "forbidden"],
    [503, status(503, "error trying to reach service: dial tcp"), "unreachable"],
    [404, status(404, `pods "web" not found`), "failed"],
  ] as const)("through the proxy: %i %s", (code, body, kind) => {
    expect(readProxyAnswer(code, {}, body).kind).toBe(kind);
  });

  test("of the bouncer", () => {
    expect(parseDiagnosis(JSON.stringify(diagnosis))).toEqual(diagnosis);
    const odd = {
      ...policy.source,
      error: { code: "sync_unreachable", message: "refused", at: 1 },
    };
    const text = JSON.stringify({ ...diagnosis, policy: { ...policy, source: odd } });
    expect(parseDiagnosis(text)).toMatchObject({
      policy: { source: { error: "sync_unreachable: refused" } },
    });
    expect(parseDiagnosis("{}")).toMatch(/^listeners: /);
    expect(parseDiagnosis("<html>")).toMatch(/^the answer: /);
  });

  test("of a bouncer that cannot diagnose itself", () => {
    const bundle = { name: "policy.tar.gz", revision: "7", sha256: "ab" };
    const sync = { kind: "bridge", connected: true, error: null };
    const body = JSON.stringify({ version: "1.0.0", policy: { bundle, activatedAt: 1000, sync } });
    expect(parsePolicy(body, 61_000)).toMatchObject({
      revision: "7",
      ageSeconds: 60,
      bundles: [],
    });
    expect(parsePolicy("[]", 0)).toMatch(/:/);
  });
});

test.each([
  [0, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [3600, "1 h"],
  [200_000, "2 d"],
])("an age of %d s", (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test.each([
  ["the default one", ["", "canary"], {}, ""],
  ["the one of the revision", ["", "canary"], { "bouncer.dev/rev": "canary" }, "canary"],
  ["none of that revision", ["", "canary"], { "bouncer.dev/rev": "old" }, undefined],
  ["the only one, whatever it is", [null], { "bouncer.dev/rev": "old" }, null],
  ["none of two that cannot be read", [null, null], {}, undefined],
])("who serves a namespace: %s", (_, revisions, labels: Record<string, string>, expected) => {
  const installations = revisions.map((revision) => ({ revision }));
  expect(findServing(installations, labels)?.revision).toBe(expected);
});
