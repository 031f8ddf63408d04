import { hash } from "node:crypto";
import { expect, test } from "vitest";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createChain } from "./chain.ts";
import { buildEvent, type Labels } from "./event.ts";

const labels: Labels = { id: "run-1", app: "bouncer", version: "1.2.3", pod: "p", namespace: "n" };

const report: ExchangeReport = {
  id: "7e0f2b1c-0000-4000-8000-000000000001",
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  durationMs: 12.5,
  source: { address: "10.0.0.9", port: 40_000 },
  destination: { address: "10.0.0.1", port: 3000 },
  head: {
    method: "GET",
    target: "/orders/7?token=secret",
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "shop",
    rawHeaders: ["Host", "shop", "Authorization", "Bearer secret"],
    source: { address: "10.0.0.9", port: 40_000 },
    destination: { address: "10.0.0.1", port: 3000 },
  },
  decision: {
    id: "7e0f2b1c-0000-4000-8000-000000000001",
    verdict: {
      kind: "deny",
      status: 403,
      headers: [],
      body: null,
      reason: "policy",
      detail: null,
    },
    cached: true,
    bundle: { name: "policy.tar.gz", revision: "r7", sha256: "00" },
    path: "envoy/authz/allow",
    input: { attributes: { request: { http: { headers: { authorization: "Bearer secret" } } } } },
    result: { allowed: false, headers: { "set-cookie": "secret" } },
    evaluationNs: 15_000,
  },
  passage: null,
  recorded: null,
  reason: "policy",
  detail: null,
  status: 403,
  aborted: null,
  upgraded: false,
  requestBytes: 0,
  responseBytes: 75,
  span: { traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: null, sampled: true },
};

test("a refused request", () => {
  const event = buildEvent(report, labels);
  expect(JSON.stringify(event)).not.toContain("secret");
  expect(event).toEqual({
    type: "openpolicyagent.org/decision_logs",
    timestamp: "2026-01-02T03:04:05.006Z",
    decision_id: report.id,
    labels,
    bundles: { "policy.tar.gz": { revision: "r7" } },
    path: "envoy/authz/allow",
    input: { attributes: { request: { http: { headers: { authorization: "***" } } } } },
    result: { allowed: false, headers: { "set-cookie": "***" } },
    masked: ["/input/attributes/request/http/headers/authorization", "/result/headers/set-cookie"],
    cached: true,
    requested_by: "10.0.0.9:40000",
    metrics: { timer_rego_query_eval_ns: 15_000, timer_server_handler_ns: 12_500_000 },
    verdict: "deny",
    request: { method: "GET", target: "/orders/7?token=***", host: "shop" },
    reason: "policy",
    trace_id: "a".repeat(32),
    span_id: "b".repeat(16),
    port: 3000,
    status: 403,
    request_bytes: 0,
    response_bytes: 75,
  });
});

test("bytes that were not a request", () => {
  const event = buildEvent(
    { ...report, head: null, decision: null, reason: "bad_request", detail: "why", span: null },
    labels,
  );
  expect(event).toMatchObject({
    verdict: "none",
    reason: "bad_request",
    error: { code: "bad_request", message: "why" },
  });
  expect(event).not.toHaveProperty("request");
  expect(event).not.toHaveProperty("input");
});

test("records are chained: each names the hash of the one before, and its own", () => {
  const chain = createChain();
  let previous = "";
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    const line = chain.append({ n: sequence });
    const [, body = "", own = ""] = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
    expect(JSON.parse(line)).toMatchObject({ n: sequence, sequence, previous_hash: previous });
    expect(hash("sha256", `${body}}`)).toBe(own);
    previous = own;
  }
});
