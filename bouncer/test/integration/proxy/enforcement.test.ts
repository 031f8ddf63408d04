import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { type DegradedRoute, parseDegradedRoute } from "../../../src/proxy/degraded.ts";
import type { DenyReason } from "../../../src/policy/decision.ts";
import {
  allow,
  type Bench,
  createBench,
  type Decide,
  deny,
  dial,
  eventOf,
  fetchHead,
  headerLines,
  parseRaw,
  readAll,
  readUntil,
  sendRaw,
} from "./harness.ts";

const benches: Bench[] = [];
const rest = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

function routesOf(text: string): readonly DegradedRoute[] {
  return text
    .split(",")
    .map(parseDegradedRoute)
    .filter((route) => route !== null);
}

interface Options extends NonNullable<Parameters<typeof createBench>[0]> {
  readonly shadow?: boolean;
  readonly routes?: string;
}

async function start({ shadow = false, routes = "", ...options }: Options): Promise<Bench> {
  const enforcement = { shadow, degradedRoutes: routesOf(routes) };
  const bench = await createBench({ ...options, deps: { enforcement, ...options.deps } });
  benches.push(bench);
  return bench;
}

async function ask(bench: Bench, line: string, headers = "") {
  const text = `${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`;
  const answer = parseRaw(await sendRaw(bench.port, text));
  return { ...answer, report: await bench.reports.next() };
}

const refusing =
  (reason: DenyReason, status = 403): Decide =>
  () => ({
    ...deny,
    status,
    reason,
    headers: [["Location", "/login"]],
    body: "no",
    detail: "why",
  });

describe("shadow mode", () => {
  test.each(["policy", "policy_result", "policy_error", "no_policy", "bad_body"] as const)(
    "%s: the application answers, and nothing of the refusal is to be seen",
    async (reason) => {
      const bench = await start({ shadow: true, decide: refusing(reason) });
      const { status, headers, body, report } = await ask(bench, "GET /x");
      expect({ status, body }).toEqual({ status: 200, body: "app" });
      expect(headers).not.toMatch(/bouncer|location/i);
      expect(bench.seen).toHaveLength(1);
      expect(report).toMatchObject({
        passage: { kind: "shadow", reason, detail: "why" },
        reason: null,
        status: 200,
        decision: { verdict: { kind: "deny", reason } },
      });
    },
  );

  test("what is allowed is as it is without it", async () => {
    const bench = await start({
      shadow: true,
      decide: () => ({ ...allow, requestHeaders: [["X-User", "7"]] }),
    });
    const { status, report } = await ask(bench, "GET /x", "X-User: 1\r\n");
    expect({ status, passage: report.passage }).toEqual({ status: 200, passage: null });
    expect(bench.seen.flatMap(headerLines)).toContain("X-User: 7");
  });

  test("the policy's wish to read bodies still works, and the body gets there whole", async () => {
    const seen: (number | undefined)[] = [];
    const bench = await start({
      shadow: true,
      bodyBytes: 4,
      decide: (head, body) => {
        seen.push(body?.bytes.length);
        return refusing("policy")(head, body);
      },
      app: (request, response) => void readAll(request).then((text) => response.end(text)),
    });
    const body = "0123456789";
    const { body: echoed } = await ask(
      bench,
      "POST /x",
      `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect({ echoed, seen }).toEqual({ echoed: body, seen: [4] });
  });

  test.each([
    ["two lengths", "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    [
      "a length and chunks",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["no Host", "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["a dot segment", `GET /a/../x ${rest}`],
    ["an encoded slash", `GET /a%2fx ${rest}`],
    ["what is no HTTP", "nonsense\r\n\r\n"],
  ])("%s is refused as ever", async (_name, text) => {
    const bench = await start({ shadow: true, routes: "* /*" });
    expect(parseRaw(await sendRaw(bench.port, text)).status).toBe(400);
    expect(bench.seen).toHaveLength(0);
    expect((await bench.reports.next()).passage).toBeNull();
  });

  test("more than can be held at a time is refused as ever", async () => {
    const bench = await start({ shadow: true, deps: { maxInFlight: 0 } });
    expect((await ask(bench, "GET /x")).status).toBe(503);
  });

  test("an application that does not answer is reported as what it is", async () => {
    const bench = await start({
      shadow: true,
      decide: refusing("policy"),
      app: (request) => request.socket.destroy(),
    });
    const { status, report } = await ask(bench, "POST /x");
    expect(status).toBe(502);
    expect(report).toMatchObject({ reason: "app_failed", passage: { reason: "policy" } });
  });

  test("an upgrade that would be refused is carried", async () => {
    const app = createServer();
    app.on("upgrade", (_request, socket: Duplex) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
      );
      socket.pipe(socket);
    });
    const bench = await start({ shadow: true, decide: refusing("policy"), app });
    const socket = await dial(bench.port);
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello",
    );
    expect(await readUntil(socket, "hello")).toContain("101 Switching");
    socket.destroy();
    expect(await bench.reports.next()).toMatchObject({
      upgraded: true,
      passage: { kind: "shadow", reason: "policy" },
    });
  });
});

describe("degraded routes", () => {
  const routes = "GET /health,* /static/*";
  test.each([
    ["no_policy", "GET /health", 200],
    ["no_policy", "GET /health?full=1", 200],
    ["no_policy", "GET /%68ealth", 200],
    ["no_policy", "DELETE /static/a", 200],
    ["no_policy", "GET /other", 503],
    ["no_policy", "HEAD /health", 503],
    ["no_policy", "GET /static/../other", 400],
    ["no_policy", "GET /static/%2e%2e/other", 400],
    ["no_policy", "GET /static%2fa", 400],
    ["no_policy", "GET /static//a", 400],
    ["policy_error", "GET /health", 200],
    ["policy_error", "GET /other", 503],
    ["policy", "GET /health", 503],
    ["policy_result", "GET /health", 503],
    ["bad_body", "GET /health", 503],
    ["ambiguous_request", "GET /health", 503],
  ] as const)("%s: %s is answered with %i", async (reason, line, status) => {
    const bench = await start({ routes, decide: refusing(reason, 503) });
    const answer = await ask(bench, line);
    const passed = status === 200;
    expect(answer.status).toBe(status);
    expect(bench.seen).toHaveLength(passed ? 1 : 0);
    expect(/x-bouncer-degraded: (\w+)/i.exec(answer.headers)?.[1]).toBe(
      passed ? reason : undefined,
    );
    expect(answer.report.passage).toEqual(
      passed ? { kind: "degraded", reason, detail: "why" } : null,
    );
  });

  test("a policy that decides is all that counts", async () => {
    const bench = await start({ routes });
    const { headers, report } = await ask(bench, "GET /health");
    expect(headers).not.toMatch(/bouncer/i);
    expect(report.passage).toBeNull();
  });

  test("in shadow mode, too: the record says that it would have gone on anyway", async () => {
    const bench = await start({ routes, shadow: true, decide: refusing("no_policy") });
    expect((await ask(bench, "GET /health")).report.passage).toMatchObject({ kind: "degraded" });
    expect((await ask(bench, "GET /other")).report.passage).toMatchObject({ kind: "shadow" });
  });

  test("what a client or the application says of it is not believed", async () => {
    const bench = await start({
      routes,
      app: (_request, response) => {
        response.setHeader("X-Bouncer-Degraded", "no_policy");
        response.end();
      },
    });
    const { headers } = await ask(bench, "GET /health", "X-Bouncer-Degraded: no_policy\r\n");
    expect(headers).not.toMatch(/bouncer/i);
    expect(bench.seen.flatMap(headerLines).join()).not.toMatch(/x-bouncer/i);
  });

  test("under overload they are let through undecided, up to as much again", async () => {
    const decided: string[] = [];
    const app = createServer((request, response) => {
      if (request.url !== "/slow") response.end("app");
    });
    const bench = await start({
      routes,
      app,
      deps: { maxInFlight: 1 },
      decide: (head) => {
        decided.push(head.target);
        return allow;
      },
    });
    const arrived = eventOf(app, "request");
    const slow = await dial(bench.port);
    slow.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await arrived;
    const listed = await ask(bench, "GET /health");
    expect(listed.status).toBe(200);
    expect(listed.headers).toContain("X-Bouncer-Degraded: overload");
    expect(listed.report).toMatchObject({
      decision: null,
      passage: { kind: "degraded", reason: "overload" },
    });
    expect((await ask(bench, "GET /other")).status).toBe(503);
    expect(decided).toEqual(["/slow"]);
    slow.destroy();
  });

  test("beyond twice the limit nothing is let through", async () => {
    const bench = await start({ routes, deps: { maxInFlight: 0 } });
    const answer = await fetchHead({ port: bench.port, path: "/health" });
    answer.resume();
    expect(answer.statusCode).toBe(503);
  });
});
