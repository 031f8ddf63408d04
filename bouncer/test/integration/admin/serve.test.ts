import { EventEmitter } from "node:events";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import {
  allow,
  createTestPolicy,
  deny,
  dial,
  eventOf,
  fetchHead,
  listenOn,
  readAll,
  sendRaw,
} from "../proxy/harness.ts";
import { ask, cleanUp, cleanups, noPolicy, run, token } from "./setting.ts";

afterEach(async () => {
  vi.useRealTimers();
  await cleanUp();
});

test("health, ready, status and metrics of a bouncer at work", async () => {
  const { admin, port } = await run();
  await ask(port, "/x");
  expect(await ask(admin, "/health")).toMatchObject({ status: 200, body: '{"status":"ok"}\n' });
  expect((await ask(admin, "/ready")).status).toBe(200);
  const status: unknown = JSON.parse((await ask(admin, "/v1/status")).body);
  expect(status).toMatchObject({
    version: "1.2.3",
    listening: true,
    draining: false,
    inFlight: 0,
    shadow: false,
    policy: { bundle: { revision: "r1" } },
    audit: { enabled: true, destination: "file", mode: "availability", dropped: 0, error: null },
  });
  const metrics = (await ask(admin, "/metrics")).body;
  expect(metrics).toContain('bouncer_requests_total{verdict="allow",reason=""} 1');
  expect(metrics).toContain(
    'bouncer_policy_info{name="policy.tar.gz",revision="r1",sha256="00"} 1',
  );
  expect(metrics).toContain('bouncer_build_info{version="1.2.3"} 1');
  expect((await ask(admin, "/health", "HEAD")).body).toBe("");
  expect((await ask(admin, "/health", "POST")).status).toBe(405);
  expect((await ask(admin, "/")).status).toBe(404);
});

test("without a policy: alive, not ready, and everything is refused", async () => {
  const { admin, port, audit } = await run({
    policy: noPolicy({ code: "bundle_unreachable", message: "no route", at: 0 }),
  });
  expect((await ask(admin, "/health")).status).toBe(200);
  const ready = await ask(admin, "/ready");
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.body)).toEqual({
    reason: "no_policy",
    detail: "bundle_unreachable: no route",
  });
  const refused = await ask(port, "/x");
  expect(refused.status).toBe(503);
  expect(refused.headers).toContain("X-Bouncer-Reason: no_policy");
  expect(await audit()).toMatchObject([{ verdict: "deny", reason: "no_policy", status: 503 }]);
});

test("refresh: asked of loopback, and says whether it worked", async () => {
  let refreshed = 0;
  const policy = { ...createTestPolicy(() => allow), refresh: async () => void (refreshed += 1) };
  const { admin } = await run({ policy });
  expect((await ask(admin, "/v1/policy/refresh", "POST")).status).toBe(200);
  expect((await ask(admin, "/v1/policy/refresh")).status).toBe(405);
  expect(refreshed).toBe(1);
  const failing = await run({ policy: noPolicy({ code: "bundle_invalid", message: "no", at: 0 }) });
  expect((await ask(failing.admin, "/v1/policy/refresh", "POST")).status).toBe(502);
});

const probes = JSON.stringify([
  {
    container: "app",
    field: "livenessProbe",
    timeoutSeconds: 1,
    action: { kind: "http", scheme: "http", port: 1, path: "/live", headers: [] },
  },
]);

test("a rewritten probe is performed for who knows the token, and for nobody else", async () => {
  const app = createServer((request, response) => {
    response.writeHead(request.url === "/live" ? 418 : 200);
    response.end("short and stout");
  });
  const appPort = await listenOn(app);
  cleanups.push(() => app.close());
  const { admin } = await run({ env: { PROBES: probes.replace('"port":1', `"port":${appPort}`) } });
  expect(await ask(admin, `/probe/${token}/app/livenessProbe`)).toMatchObject({
    status: 418,
    body: "short and stout",
  });
  for (const path of [
    `/probe/${token.replace("0", "1")}/app/livenessProbe`,
    `/probe/${token}x/app/livenessProbe`,
    "/probe//app/livenessProbe",
    `/probe/${token}/app/readinessProbe`,
    `/probe/${token}/other/livenessProbe`,
    `/probe/${token}/app/livenessProbe/x`,
    `/drain/${token}x`,
    `/drain/${token}/x`,
    "/drain/",
  ]) {
    expect(await ask(admin, path)).toMatchObject({ status: 404 });
  }
});

test("SIGTERM long after the drain hook stops without another delay", async () => {
  const { admin, serving } = await run({ env: { DRAIN_DELAY_SECONDS: "3600" } });
  vi.useFakeTimers({ toFake: ["performance"] });
  await ask(admin, `/drain/${token}`);
  vi.advanceTimersByTime(3_600_000);
  expect(await serving.stop()).toBe(true);
});

test("without a token there are no probes and no drain hook", async () => {
  const { admin } = await run({ env: { ADMIN_TOKEN: "" } });
  for (const path of ["/drain/", "/drain/null", "/drain/undefined", "/probe//app/livenessProbe"]) {
    expect(await ask(admin, path)).toMatchObject({ status: 404 });
  }
});

test("the drain hook: not ready any more, still serving, and every connection is asked to go", async () => {
  const { admin, port } = await run();
  expect((await ask(admin, `/drain/${token}`)).status).toBe(200);
  expect((await ask(admin, `/drain/${token}`)).status).toBe(200);
  const ready = await ask(admin, "/ready");
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.body)).toMatchObject({ reason: "draining" });
  expect((await ask(admin, "/health")).status).toBe(200);
  const answer = await fetchHead({ port, path: "/x", headers: { Connection: "keep-alive" } });
  expect(answer).toMatchObject({ statusCode: 200, headers: { connection: "close" } });
  answer.resume();
});

/** An address of this machine that is not loopback. */
function outsideAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = all.find((one) => !one.internal && one.family === "IPv4");
  if (found === undefined) throw new Error("this machine has no address but loopback");
  return found.address;
}

test.each([
  ["true", "127.0.0.1", "GET /health", "bouncer"],
  ["true", "outside", "GET /health", "bouncer"],
  ["true", "outside", "HEAD /health?x", "bouncer"],
  ["true", "outside", "GET /metrics", "bouncer"],
  ["true", "outside", "POST /health", "app"],
  ["true", "outside", "GET /healthy", "app"],
  ["true", "outside", "POST /v1/policy/refresh", "app"],
  ["true", "127.0.0.1", "POST /v1/policy/refresh", "bouncer"],
  ["true", "127.0.0.1", `GET /drain/${token}`, "app"],
  ["false", "127.0.0.1", "GET /health", "bouncer"],
  ["false", "127.0.0.1", "GET /v1/status", "bouncer"],
  ["false", "outside", "GET /health", "app"],
  ["false", "outside", "GET /metrics", "app"],
  ["false", "outside", "POST /v1/policy/refresh", "app"],
])("ADMIN_ON_PROXY_PORT=%s, from %s: %s is the %s's", async (setting, from, line, whose) => {
  const { port } = await run({
    env: { ADMIN_ON_PROXY_PORT: setting },
    app: (_request, response) => {
      response.setHeader("X-App", "1");
      response.end();
    },
  });
  const host = from === "outside" ? outsideAddress() : from;
  const [method = "", path = ""] = line.split(" ");
  const response = await fetchHead({ host, port, path, method });
  response.resume();
  expect(response.statusCode).toBe(200);
  expect("x-app" in response.headers ? "app" : "bouncer").toBe(whose);
});

test("every request has exactly one audit record, however it ended", async () => {
  const { port, serving, audit } = await run({
    policy: createTestPolicy((head) => (head.target === "/no" ? deny : allow)),
    app: (request, response) => {
      if (request.url === "/hang") response.flushHeaders();
      else response.end("ok");
    },
    env: { OTEL_ENABLED: "false" },
  });
  await ask(port, "/yes");
  await ask(port, "/no");
  await ask(port, "/../bad");
  await sendRaw(port, "nonsense\r\n\r\n");
  await ask(port, "/health");
  const client = await dial(port);
  client.write("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventOf(client, "data");
  client.resetAndDestroy();
  const head = "Connection: Upgrade, close\r\nUpgrade: nothing\r\nHost: a\r\n\r\n";
  await sendRaw(port, `GET /up HTTP/1.1\r\n${head}`);
  const records = await audit();
  expect(serving.ports).toHaveLength(1);
  const seen = records.map((one) => [one["verdict"], one["reason"], one["status"], one["aborted"]]);
  expect(seen).toEqual([
    ["allow", undefined, 200, undefined],
    ["deny", "policy", 403, undefined],
    ["none", "ambiguous_request", 400, undefined],
    ["none", "bad_request", 400, undefined],
    ["allow", undefined, 200, "client"],
    ["allow", undefined, 200, undefined],
  ]);
  expect(records.map((one) => one["sequence"])).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a span for each request, below the caller's, on to the application and to the collector", async () => {
  const batches: string[] = [];
  const collector = createServer((request, response) => {
    void readAll(request).then((body) => {
      batches.push(`${request.method} ${request.url} ${body}`);
      return response.end("{}");
    });
  });
  const collectorPort = await listenOn(collector);
  cleanups.push(() => collector.close());
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const { port, serving } = await run({
    env: {
      OTEL_ENABLED: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}/otlp`,
      OTEL_SERVICE_NAME: "shop",
    },
    app: (request, response) => response.end(request.headers["traceparent"]),
  });
  const answer = await fetchHead({
    port,
    path: "/a?token=x",
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });
  const [, seenTrace, seenSpan] = (await readAll(answer)).split("-");
  await serving.stop();
  expect(seenTrace).toBe(traceId);
  expect(batches).toHaveLength(1);
  const [method, path, body = ""] = (batches[0] ?? "").split(/ (?=[/{])/);
  expect([method, path]).toEqual(["POST", "/otlp/v1/traces"]);
  expect(body).not.toContain("token");
  expect(JSON.parse(body)).toMatchObject({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              { traceId, spanId: seenSpan, parentSpanId: "00f067aa0ba902b7", name: "GET", kind: 2 },
            ],
          },
        ],
      },
    ],
  });
});

test("a port in use: the start fails, names it, and leaves nothing behind", async () => {
  const taken = createServer();
  const port = await listenOn(taken);
  cleanups.push(() => taken.close());
  let closed = 0;
  const policy = {
    ...createTestPolicy(() => allow),
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  };
  const target = { host: "127.0.0.1", port: 1 };
  const routes = [
    { port: 0, target, opaque: false, protocol: "auto" as const, tls: false },
    { port, target, opaque: false, protocol: "auto" as const, tls: false },
  ];
  for (const config of [{ routes }, { adminPort: port }]) {
    const failing = run({ policy, config });
    await expect(failing).rejects.toMatchObject({ code: "listen_failed" });
    await expect(failing).rejects.toThrow(`Cannot listen on port "${port}": `);
  }
  expect(closed).toBe(2);
});

test("a second request to stop does not wait", async () => {
  const app = new EventEmitter();
  const { port, serving } = await run({
    env: { DRAIN_DELAY_SECONDS: "3600", DRAIN_TIMEOUT_SECONDS: "3600" },
    app: () => app.emit("request"),
  });
  const requested = eventOf(app, "request");
  const client = await dial(port);
  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await requested;
  const first = serving.stop();
  expect(await serving.stop()).toBe(false);
  expect(await first).toBe(false);
  expect(await readAll(client)).toBe("");
});
