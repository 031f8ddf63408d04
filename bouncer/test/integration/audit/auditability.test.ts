/** Nothing is forwarded, and nothing refused, before its record is written. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ask, cleanUp, cleanups, run, type RunOptions } from "../admin/setting.ts";
import {
  allow,
  createTestPolicy,
  deny,
  dial,
  eventOf,
  parseRaw,
  readAll,
  sendRaw,
} from "../proxy/harness.ts";
import { Gate, parseLine } from "./gate.ts";

let file: string;

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "auditability-"));
  file = join(directory, "audit.log");
  cleanups.push(() => rm(directory, { recursive: true }));
});

afterEach(async () => {
  vi.useRealTimers();
  await cleanUp();
});

/** What is in the file at this moment. */
function recorded(): Record<string, unknown>[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map(parseLine);
}

function runToFile(options: RunOptions = {}) {
  const env = { AUDIT_MODE: "auditability", AUDIT_LOG_FILE: file, ...options.env };
  return run({ ...options, env });
}

async function runToGate(gate: Gate, options: RunOptions = {}) {
  const env = { AUDIT_MODE: "auditability", AUDIT_LOG_DESTINATION: "stdout" };
  const seen: (string | undefined)[] = [];
  const running = await run({
    ...options,
    env,
    stdout: gate,
    app: (request, response) => {
      seen.push(request.url);
      response.end("app");
    },
  });
  cleanups.push(() => {
    gate.open();
  });
  return { ...running, seen };
}

const denying = createTestPolicy((head) =>
  head.target === "/no" ? { ...deny, headers: [["Location", "/login"]] } : allow,
);

test("the record of a decision is in the file before the application sees the request", async () => {
  let atArrival: unknown[] = [];
  const { port, audit } = await runToFile({
    app: (_request, response) => {
      atArrival = recorded();
      response.end("app");
    },
  });
  expect((await ask(port, "/x")).status).toBe(200);
  expect(atArrival).toMatchObject([
    { sequence: 1, phase: "decision", verdict: "allow", request: { target: "/x" } },
  ]);
  await audit();
  const [decision, outcome] = recorded();
  expect(decision).not.toHaveProperty("status");
  expect(outcome).toMatchObject({
    type: "bouncer.dev/outcome",
    sequence: 2,
    phase: "outcome",
    decision_id: decision?.["decision_id"],
    previous_hash: decision?.["hash"],
    status: 200,
    response_bytes: 3,
  });
});

test.each([
  ["what the policy refuses", "GET /no HTTP/1.1\r\nHost: a\r\n", 403, "policy"],
  ["an ambiguous path", "GET /a/../b HTTP/1.1\r\nHost: a\r\n", 400, "ambiguous_request"],
  ["what is no HTTP", "nonsense\r\n", 400, "bad_request"],
])("%s has its one record before the client has its answer", async (...row) => {
  const [, text, status, reason] = row;
  const { port, audit } = await runToFile({ policy: denying });
  const client = await dial(port);
  client.write(`${text}\r\n`);
  await eventOf(client, "data");
  expect(recorded()).toMatchObject([{ phase: "decision", status, reason }]);
  client.destroy();
  await audit();
  expect(recorded().map((one) => one["phase"])).toEqual(["decision"]);
});

test("an application that is not there: the outcome tells", async () => {
  const { port, audit } = await runToFile({ app: (request) => request.socket.destroy() });
  expect((await ask(port, "/x", "POST")).status).toBe(502);
  await audit();
  expect(recorded()).toMatchObject([
    { phase: "decision", verdict: "allow" },
    { phase: "outcome", reason: "app_failed", error: { code: "app_failed" }, status: 502 },
  ]);
});

test("an upgraded connection has its decision and its outcome", async () => {
  const { port, audit } = await runToFile();
  const head = "Connection: Upgrade, close\r\nUpgrade: nothing\r\nHost: a\r\n\r\n";
  expect(parseRaw(await sendRaw(port, `GET /up HTTP/1.1\r\n${head}`)).status).toBe(200);
  await audit();
  expect(recorded().map((one) => one["phase"])).toEqual(["decision", "outcome"]);
});

test("while the destination is blocked, nothing is sent to anybody; then everything is", async () => {
  const gate = new Gate(false);
  const { port, seen } = await runToGate(gate, { policy: denying });
  const offered = gate.offered();
  const answers = ["/a", "/no", "/b"].map((path) => ask(port, path));
  await offered;
  const answered = vi.fn<() => void>();
  for (const answer of answers) void answer.then(answered);
  await ask(port, "/health");
  expect({ seen, answered: answered.mock.calls.length }).toEqual({ seen: [], answered: 0 });
  gate.open();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 403, 200]);
  expect(new Set(seen)).toEqual(new Set(["/a", "/b"]));
});

test("requests that come together are written together", async () => {
  const gate = new Gate(false);
  const { port } = await runToGate(gate);
  const offered = gate.offered();
  const first = ask(port, "/first");
  await offered;
  const many = Array.from({ length: 100 }, (_none, i) => ask(port, `/${i}`));
  // Answered by the bouncer itself: all that were sent before have been read.
  await ask(port, "/health");
  gate.open();
  expect((await Promise.all([first, ...many])).every(({ status }) => status === 200)).toBe(true);
  const batches = gate.batches.filter((batch) => batch.includes('"phase":"decision"'));
  expect(batches.length).toBeLessThan(50);
});

test("a destination that stays blocked: 503 in time, then at once, and all is well when it is back", async () => {
  const gate = new Gate(false);
  const { port, admin, seen, serving } = await runToGate(gate, { policy: denying });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const offered = gate.offered();
  const late = [ask(port, "/a"), ask(port, "/no")];
  await offered;
  await ask(port, "/health");
  vi.advanceTimersByTime(5001);
  for (const answer of await Promise.all(late)) {
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.headers).toContain("X-Bouncer-Reason: audit_unavailable");
    expect(answer.headers).not.toContain("Location");
  }
  // No timer ends these: they do not wait.
  expect((await ask(port, "/b")).status).toBe(503);
  expect(await ask(port, "/no")).toMatchObject({ status: 503 });
  expect(parseRaw(await sendRaw(port, "nonsense\r\n\r\n")).status).toBe(503);
  const status: unknown = JSON.parse((await ask(admin, "/v1/status")).body);
  expect(status).toMatchObject({ audit: { error: "the destination takes nothing", dropped: 0 } });
  expect(seen).toEqual([]);
  gate.open();
  vi.useRealTimers();
  expect((await ask(port, "/c")).status).toBe(200);
  await serving.stop();
  const records = gate.records();
  expect(records.map((one) => one["sequence"])).toEqual(records.map((_one, i) => i + 1));
  // What was decided and then not done is told, or the log would be wrong about it.
  const outcomes = records.filter((one) => one["reason"] === "audit_unavailable");
  expect(outcomes).toHaveLength(2);
  expect(outcomes).toMatchObject([
    { phase: "outcome", status: 503 },
    { phase: "outcome", status: 503 },
  ]);
});

test("a client that goes away while its record is written: nothing is forwarded", async () => {
  const gate = new Gate(false);
  const { port, seen, serving } = await runToGate(gate);
  const offered = gate.offered();
  const client = await dial(port);
  client.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await offered;
  client.resetAndDestroy();
  await vi.waitFor(async () => {
    expect((await ask(port, "/metrics")).body).toContain('aborted_total{by="client"} 1');
  });
  gate.open();
  await ask(port, "/y");
  await serving.stop();
  expect(seen).toEqual(["/y"]);
  const [decision] = gate.records();
  const told = gate.records().filter((one) => one["decision_id"] === decision?.["decision_id"]);
  expect(told).toMatchObject([{ phase: "decision" }, { phase: "outcome", aborted: "client" }]);
});

test("a destination that fails: everything is refused, nothing passes, losses are counted", async () => {
  let reached = 0;
  const { port, admin } = await runToFile({
    policy: denying,
    env: { AUDIT_LOG_FILE: "/dev/full" },
    app: (_request, response) => {
      reached += 1;
      response.end();
    },
  });
  for (const path of ["/a", "/no", "/a/../b"]) {
    const answer = await ask(port, path);
    expect(answer.status).toBe(503);
    expect(answer.headers).toContain("X-Bouncer-Reason: audit_unavailable");
  }
  expect(reached).toBe(0);
  expect(JSON.parse((await ask(admin, "/v1/status")).body)).toMatchObject({
    audit: { mode: "auditability", dropped: 3, error: "ENOSPC: no space left on device, write" },
  });
  const metrics = (await ask(admin, "/metrics")).body;
  expect(metrics).toContain("bouncer_audit_dropped_total 3");
  expect(metrics).toContain('reason="audit_unavailable"} 1');
});

test("a destination that fails does not stop who asked for availability", async () => {
  const { port, admin } = await run({ env: { AUDIT_LOG_FILE: "/dev/full" } });
  expect((await ask(port, "/a")).status).toBe(200);
  await vi.waitFor(async () => {
    expect(JSON.parse((await ask(admin, "/v1/status")).body)).toMatchObject({
      audit: { mode: "availability", dropped: 1, error: "ENOSPC: no space left on device, write" },
    });
  });
});

test("in shadow mode, too: who asks for both gets both", async () => {
  const { port, audit } = await runToFile({ policy: denying, env: { SHADOW_MODE: "true" } });
  expect((await ask(port, "/no")).status).toBe(200);
  await audit();
  expect(recorded()).toMatchObject([
    { phase: "decision", verdict: "deny", shadow: true, let_through: "policy" },
    { phase: "outcome", status: 200 },
  ]);
});

test("admin requests and connections without a request have no records", async () => {
  const { port, audit } = await runToFile();
  await ask(port, "/health");
  await readAll((await dial(port)).end());
  expect(await audit()).toEqual([]);
});
