import { hash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planInput } from "../policy/fields.ts";
import { buildInput } from "../policy/input.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createChain } from "./chain.ts";
import { type Erasures, planErasures, type Pointer } from "./erase.ts";
import { createEventWriter, type Labels } from "./event.ts";

const identity = { name: "policy.tar.gz", revision: "r7", sha256: "00", serial: null, deltas: 0 };

const labels: Labels = { id: "run-1", app: "bouncer", version: "1.2.3", pod: "p", namespace: "n" };

const read = (members: string): unknown => JSON.parse(`${members}}`);

function buildEvent(report: ExchangeReport, of: Labels, erasures?: Erasures): unknown {
  return read(createEventWriter(of, erasures).whole(report));
}

function buildDecisionEvent(report: ExchangeReport, of: Labels): unknown {
  return read(createEventWriter(of).decision(report));
}

function buildOutcomeEvent(report: ExchangeReport, of: Labels): unknown {
  return read(createEventWriter(of).outcome(report));
}

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
    bundle: identity,
    bundles: [identity],
    watched: null,
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
  opaque: false,
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

describe("a request that went on although it would have been refused", () => {
  test.each([
    ["shadow", { shadow: true, let_through: "policy_error" }],
    ["degraded", { degraded: true, let_through: "policy_error" }],
  ] as const)("%s", (kind, fields) => {
    const passage = { kind, reason: "policy_error", detail: "why" } as const;
    const event = buildEvent({ ...report, passage, reason: null, status: 200 }, labels);
    const error = { code: "policy_error", message: "why" };
    expect(event).toMatchObject({ verdict: "deny", status: 200, error, ...fields });
    expect(event).not.toHaveProperty("reason");
  });

  test("and that the application then did not answer: both are told", () => {
    const passage = { kind: "shadow", reason: "policy", detail: null } as const;
    const failed = {
      ...report,
      passage,
      reason: "app_failed",
      detail: "reset",
      status: 502,
    } as const;
    expect(buildEvent(failed, labels)).toMatchObject({
      let_through: "policy",
      reason: "app_failed",
      error: { code: "app_failed", message: "reset" },
    });
  });
});

test("where the decision is recorded before: of a refusal, the decision tells all", () => {
  const event = buildDecisionEvent(report, labels);
  expect(event).toMatchObject({
    phase: "decision",
    verdict: "deny",
    reason: "policy",
    status: 403,
  });
  expect(event).not.toHaveProperty("response_bytes");
});

test("where the decision is recorded before: what is allowed has an outcome, too", () => {
  const allowed = { ...report, reason: null, status: null };
  const decision = buildDecisionEvent(allowed, labels);
  expect(decision).toMatchObject({ phase: "decision", input: {} });
  expect(decision).not.toHaveProperty("status");
  expect(buildOutcomeEvent({ ...report, reason: null, status: 200 }, labels)).toEqual({
    type: "bouncer.dev/outcome",
    timestamp: "2026-01-02T03:04:05.018Z",
    decision_id: report.id,
    labels,
    metrics: { timer_server_handler_ns: 12_500_000 },
    phase: "outcome",
    trace_id: "a".repeat(32),
    span_id: "b".repeat(16),
    status: 200,
    request_bytes: 0,
    response_bytes: 75,
  });
});

/** A request whose every part can be told from every other. */
const head = {
  method: "S3CR3T-METHOD",
  target: "/s3cr3t-segment/s3cr3t%20last?email=s3cr3t-email&page=s3cr3t-page&%6eame=s3cr3t-name",
  protocol: "HTTP/1.1",
  scheme: "http",
  host: "s3cr3t-host",
  rawHeaders: [
    "Host",
    "s3cr3t-host",
    "X-Internal",
    "s3cr3t-internal",
    "X-Forwarded-For",
    "s3cr3t-peer",
    "X-Forwarded-Host",
    "s3cr3t-host",
    "X-Other",
    "s3cr3t-other",
  ],
  source: { address: "s3cr3t-peer", port: 40_000 },
  destination: { address: "s3cr3t-destination", port: 3000 },
} as const;

const result = { allowed: true, headers: { "x-user": "s3cr3t-user", list: ["s3cr3t-1"] } };

function inputOf(): unknown {
  const planned = planInput(null);
  if (planned.kind !== "plan") throw new Error("no plan");
  const context = { time: () => "", id: () => "" };
  const built = buildInput(planned.plan, head, null, context);
  if (built.kind !== "input") throw new Error("no input");
  return built.input;
}

function placesOf(node: unknown, trail: Pointer): { pointer: Pointer; node: unknown }[] {
  const here = { pointer: trail, node };
  if (typeof node !== "object" || node === null) return [here];
  return [here, ...Object.entries(node).flatMap(([key, item]) => placesOf(item, [...trail, key]))];
}

function secretsOf(node: unknown): string[] {
  const found = JSON.stringify(node).match(/s3cr3t(?:[ -]\w+|%20\w+)/gi) ?? [];
  return found.map((secret) => secret.replace(/(?: |%20)/, "."));
}

test("what a mask points to is nowhere in the record, and what it does not is", () => {
  const input = inputOf();
  const places = [...placesOf(input, ["input"]), ...placesOf(result, ["result"])];
  const decision = { ...(report.decision ?? fail()), input, result };
  const source = head.source;
  const seen = { ...report, head, decision, source };
  const line = (pointers: readonly Pointer[]): string =>
    JSON.stringify(buildEvent(seen, labels, planErasures(pointers)));
  for (const secret of secretsOf([input, result])) expect(line([])).toMatch(new RegExp(secret));
  fc.assert(
    fc.property(fc.subarray(places, { minLength: 1, maxLength: 4 }), (picked) => {
      const shown = line(picked.map(({ pointer }) => pointer));
      for (const { node } of picked) {
        for (const secret of secretsOf(node)) expect(shown).not.toMatch(new RegExp(secret));
      }
    }),
    { numRuns: 300 },
  );
  const internal = ["input", "attributes", "request", "http", "headers", "x-internal"];
  expect(line([internal])).toContain("s3cr3t-other");
  expect(JSON.parse(line([internal]))).toMatchObject({
    erased: ["/input/attributes/request/http/headers/x-internal"],
  });
});

function fail(): never {
  throw new Error("the report has a decision");
}

test("records are chained: each names the hash of the one before, and its own", () => {
  const chain = createChain();
  let previous = "";
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    const line = chain.append(`{"n":${sequence}`);
    const [, body = "", own = ""] = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(line) ?? [];
    expect(JSON.parse(line)).toMatchObject({ n: sequence, sequence, previous_hash: previous });
    expect(hash("sha256", `${body}}`)).toBe(own);
    previous = own;
  }
});
