import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { Writable } from "node:stream";
import { statusIntervalMs } from "bouncer-bridge/protocol";
import { afterEach, expect, test } from "vitest";
import type { Probe } from "../../../src/contract.ts";
import { linkTiming } from "../../../src/sync/link.ts";
import { runProbe } from "../../../src/probe/probe.ts";
import { diagnose, type DiagnosisDeps } from "../../../src/admin/diagnosis.ts";
import { buildBundle, simpleSources } from "../policy/opa.ts";
import { allow, createTestPolicy, deny, listenOn } from "../proxy/harness.ts";
import { startServer } from "../sync/server.ts";
import { hintTo, sha256, startPolicy } from "../sync/setting.ts";
import { ask, cleanUp, cleanups, noPolicy, run, token } from "./setting.ts";

afterEach(cleanUp);

/** Matchers are of type any; what they match is not. */
const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const anyNumber: unknown = expect.any(Number);

async function diagnosisOf(admin: number): Promise<unknown> {
  const { status, body } = await ask(admin, `/diagnosis/${token}`);
  expect(status).toBe(200);
  return JSON.parse(body);
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createNetServer();
  const port = await listenOn(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function probeOf(field: Probe["field"], port: number, path: string): Probe {
  const action = { kind: "http", scheme: "http", port, path, headers: [] } as const;
  return { container: "app", field, timeoutSeconds: 1, action };
}

test("all is well: every part says so, in the form that is promised", async () => {
  const policy = createTestPolicy(() => allow);
  const { admin, port } = await run({ policy });
  await ask(port, "/x");
  expect(await diagnosisOf(admin)).toEqual({
    version: "1.2.3",
    listeners: [
      {
        port: 0,
        target: matching(/^127\.0\.0\.1:\d+$/),
        listening: true,
        application: { ok: true, error: null },
      },
    ],
    policy: {
      revision: "r1",
      sha256: "00",
      bundles: [{ name: "policy.tar.gz", revision: "r1" }],
      ageSeconds: anyNumber,
      source: { kind: "none", connected: false, error: null },
    },
    probes: [],
    audit: { enabled: true, destination: "file", mode: "availability", dropped: 0, error: null },
    shadow: false,
  });
});

test("an application that is down, and one that is half down", async () => {
  const [open, closed] = [createServer(), await closedPort()];
  const openPort = await listenOn(open);
  cleanups.push(() => open.close());
  const routes = [openPort, closed].map((port) => ({
    port: 0,
    target: { host: "127.0.0.1", port },
    opaque: false,
    protocol: "auto" as const,
    tls: false,
  }));
  const { admin } = await run({ config: { routes } });
  expect(await diagnosisOf(admin)).toMatchObject({
    listeners: [
      { target: `127.0.0.1:${openPort}`, application: { ok: true, error: null } },
      {
        target: `127.0.0.1:${closed}`,
        application: { ok: false, error: containing("ECONNREFUSED") },
      },
    ],
  });
});

test("probes are performed once each, hooks are not", async () => {
  const asked: (string | undefined)[] = [];
  const app = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(request.url === "/live" ? 200 : 500).end("the database is away");
  });
  const port = await listenOn(app);
  cleanups.push(() => app.close());
  const probes = [
    probeOf("livenessProbe", port, "/live"),
    probeOf("readinessProbe", port, "/ready"),
    probeOf("startupProbe", await closedPort(), "/start"),
    probeOf("postStart", port, "/hook"),
    probeOf("preStop", port, "/hook"),
  ];
  const { admin } = await run({ env: { PROBES: JSON.stringify(probes) } });
  expect(await diagnosisOf(admin)).toMatchObject({
    probes: [
      { container: "app", field: "livenessProbe", status: 200, error: null },
      { container: "app", field: "readinessProbe", status: 500, error: "the database is away" },
      { field: "startupProbe", status: 503, error: containing("ECONNREFUSED") },
    ],
  });
  expect(new Set(asked)).toEqual(new Set(["/live", "/ready"]));
});

test("what does not answer is given up after two seconds, all at the same time", async () => {
  const silent = createNetServer(() => {});
  const port = await listenOn(silent);
  cleanups.push(() => silent.close());
  const probes = Array.from({ length: 5 }, (_none, i) => ({
    ...probeOf("livenessProbe", port, "/"),
    container: `app-${i}`,
    timeoutSeconds: 60,
  }));
  const { admin } = await run({ env: { PROBES: JSON.stringify(probes) } });
  const startedAt = performance.now();
  const error = "no answer within 2 s";
  expect(await diagnosisOf(admin)).toMatchObject({
    probes: probes.map(({ container }) => ({ container, status: 504, error })),
  });
  expect(performance.now() - startedAt).toBeLessThan(4000);
});

test("without a policy: what is wrong with its source", async () => {
  const error = { code: "bundle_unreachable", message: "no route", at: 0 };
  const { admin } = await run({ policy: noPolicy(error), env: { SHADOW_MODE: "true" } });
  expect(await diagnosisOf(admin)).toMatchObject({
    policy: {
      revision: null,
      sha256: null,
      ageSeconds: null,
      source: { error: "bundle_unreachable: no route" },
    },
    shadow: true,
  });
});

test("a bridge that was there and went away: the policy stays, its source is not connected", async () => {
  const bytes = await buildBundle(simpleSources("one"));
  await using bridge = await startServer({ answer: (_request, response) => response.end(bytes) });
  await using setting = await startPolicy(`${bridge.origin.replace("http", "ws")}/v1/sync`);
  const socket = await bridge.sockets.take();
  await bridge.messages.take();
  socket.send(hintTo(bytes));
  await bridge.messages.take();
  const { admin } = await run({ policy: setting.policy });
  const policy = { revision: "one", sha256: sha256(bytes) };
  const connected = { kind: "bridge", connected: true, error: null };
  expect(await diagnosisOf(admin)).toMatchObject({ policy: { ...policy, source: connected } });
  await bridge[Symbol.asyncDispose]();
  // The second pause is that after an attempt that failed.
  for (let pause = 0; pause < 2; pause += 1) {
    await setting.timing.tick((ms) => ms !== linkTiming.heartbeatMs && ms !== statusIntervalMs);
  }
  expect(await diagnosisOf(admin)).toMatchObject({
    policy: {
      ...policy,
      source: {
        kind: "bridge",
        connected: false,
        error: containing("sync_unreachable: "),
      },
    },
  });
});

test("for who knows the token, on the admin port, by GET, and for nobody else", async () => {
  const { admin, port } = await run({ app: (_request, response) => response.end("the app's") });
  for (const path of [
    "/diagnosis",
    "/diagnosis/",
    `/diagnosis/${token}x`,
    `/diagnosis/${token}/x`,
  ]) {
    expect((await ask(admin, path)).status).toBe(404);
  }
  expect((await ask(admin, `/diagnosis/${token}`, "POST")).status).toBe(404);
  expect((await ask(port, `/diagnosis/${token}`)).body).toBe("the app's");
  const without = await run({ env: { ADMIN_TOKEN: "" } });
  expect((await ask(without.admin, `/diagnosis/${token}`)).status).toBe(404);
});

test("the age of the policy is counted from its activation", async () => {
  const status = createTestPolicy(() => allow).status();
  const deps: DiagnosisDeps = {
    version: "1",
    now: () => 65_400,
    listening: true,
    routes: [],
    policy: { ...status, activatedAt: 5000 },
    probes: [],
    runProbe: (probe) => runProbe(probe, "127.0.0.1"),
    audit: { enabled: false, destination: "stdout", mode: "availability", dropped: 0, error: null },
    shadow: false,
  };
  expect(await diagnose(deps)).toMatchObject({ policy: { ageSeconds: 60 } });
});

test("shadow mode: warned of at start, ready without a policy, counted and recorded", async () => {
  const logged: string[] = [];
  const log = new Writable({
    write: (chunk, _encoding, done) => {
      logged.push(String(chunk));
      done();
    },
  });
  const { admin, port, audit } = await run({
    policy: noPolicy(),
    env: { SHADOW_MODE: "true" },
    log,
  });
  expect(logged.filter((line) => line.includes('"level":40')).join()).toContain("shadow mode");
  const ready = await ask(admin, "/ready");
  expect([ready.status, ready.body]).toEqual([
    200,
    '{"status":"ok","bundle":null,"shadow":true}\n',
  ]);
  expect(JSON.parse((await ask(admin, "/v1/status")).body)).toMatchObject({ shadow: true });
  expect(await ask(port, "/x")).toMatchObject({ status: 200, body: "app /x" });
  const metrics = (await ask(admin, "/metrics")).body;
  expect(metrics).toContain('bouncer_shadow_refusals_total{reason="no_policy"} 1');
  expect(metrics).toContain('bouncer_requests_total{verdict="deny",reason=""} 1');
  expect(await audit()).toMatchObject([
    { verdict: "deny", shadow: true, let_through: "no_policy", status: 200 },
  ]);
});

test("degraded routes without a policy: not ready, served, counted and recorded", async () => {
  const env = { DEGRADED_ROUTES: "GET /health-of-app, * /static/*" };
  const { admin, port, audit } = await run({ policy: noPolicy(), env });
  expect((await ask(admin, "/ready")).status).toBe(503);
  expect(await ask(port, "/static/a")).toMatchObject({ status: 200, body: "app /static/a" });
  expect((await ask(port, "/x")).status).toBe(503);
  const metrics = (await ask(admin, "/metrics")).body;
  expect(metrics).toContain('bouncer_degraded_requests_total{reason="no_policy"} 1');
  const records = await audit();
  expect(records).toMatchObject([
    { degraded: true, let_through: "no_policy", status: 200 },
    { reason: "no_policy", status: 503 },
  ]);
  expect(records[1]).not.toHaveProperty("let_through");
});

test("what AUDIT_MASKS names is not in the record, and listed as erased", async () => {
  const policy = createTestPolicy(() => deny);
  const env = { AUDIT_MASKS: "/input/attributes/request/http/method,/result,/input/nothing" };
  const { port, audit } = await run({ policy, env });
  await ask(port, "/x", "PATCH");
  const [record] = await audit();
  expect(JSON.stringify(record)).not.toContain("PATCH");
  expect(record).toMatchObject({
    erased: ["/input/attributes/request/http/method", "/result"],
    request: { method: "***", target: "/x" },
  });
  expect(record).not.toHaveProperty("result");
});
