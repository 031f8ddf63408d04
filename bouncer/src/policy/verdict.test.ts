import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Verdict } from "./decision.ts";
import { decideVerdict, readStorage } from "./verdict.ts";

const allow = {
  kind: "allow",
  requestHeaders: [],
  requestHeadersToRemove: [],
  responseHeaders: [],
  queryParametersToRemove: [],
  queryParametersToSet: [],
};
const deny = {
  kind: "deny",
  status: 403,
  headers: [],
  body: null,
  reason: "policy",
  detail: null,
};

describe("a decision that is understood", () => {
  const rows: readonly (readonly [name: string, result: unknown, verdict: object])[] = [
    ["true", true, allow],
    ["false", false, deny],
    ["allowed alone", { allowed: true }, allow],
    ["refused alone", { allowed: false }, deny],
    [
      "headers for the application",
      { allowed: true, headers: { "x-user": "alice", "x-role": ["a", "b"] } },
      {
        ...allow,
        requestHeaders: [
          ["x-user", "alice"],
          ["x-role", "a"],
          ["x-role", "b"],
        ],
      },
    ],
    [
      "headers as an array of objects",
      { allowed: true, headers: [{ "x-user": "alice" }, { "x-user": "bob" }] },
      {
        ...allow,
        requestHeaders: [
          ["x-user", "alice"],
          ["x-user", "bob"],
        ],
      },
    ],
    [
      "headers to remove, in lower case",
      { allowed: true, request_headers_to_remove: ["Authorization"] },
      { ...allow, requestHeadersToRemove: ["authorization"] },
    ],
    [
      "headers for the client",
      { allowed: true, response_headers_to_add: { "x-policy": "v1" } },
      { ...allow, responseHeaders: [["x-policy", "v1"]] },
    ],
    [
      "query parameters",
      {
        allowed: true,
        query_parameters_to_remove: ["debug"],
        query_parameters_to_set: { tenant: "a", tag: ["x", "y"] },
      },
      {
        ...allow,
        queryParametersToRemove: ["debug"],
        queryParametersToSet: [
          ["tenant", "a"],
          ["tag", "x"],
          ["tag", "y"],
        ],
      },
    ],
    ["metadata is for the record only", { allowed: true, dynamic_metadata: { a: 1 } }, allow],
    ["unknown fields say nothing", { allowed: true, reason: "because" }, allow],
    [
      "a refusal in full",
      { allowed: false, http_status: 401, headers: { "www-authenticate": "Bearer" }, body: "no" },
      { ...deny, status: 401, headers: [["www-authenticate", "Bearer"]], body: "no" },
    ],
    ["a redirect to log in", { allowed: false, http_status: 302 }, { ...deny, status: 302 }],
  ];
  test.each(rows)("%s", (_name, result, verdict) => {
    expect(decideVerdict(result)).toEqual(verdict);
  });
});

describe("a decision that is not understood refuses", () => {
  const rows: readonly (readonly [name: string, result: unknown, detail: string])[] = [
    ["undefined", undefined, "the decision is undefined"],
    ["null", null, "the decision is null"],
    ["text", "true", "the decision is of type string"],
    ["number", 1, "the decision is of type number"],
    ["array", [true], "the decision is an array"],
    ["no allowed", {}, '"allowed" is missing'],
    ["allowed is text", { allowed: "true" }, '"allowed" is of type string'],
    ["headers are text", { allowed: true, headers: "x" }, '"headers" is of type string'],
    [
      "a header is a number",
      { allowed: true, headers: { a: 1 } },
      '"headers.a" holds a value of type number',
    ],
    [
      "a header name breaks the line",
      { allowed: true, headers: { "a\r\nb": "x" } },
      '"headers" has the header name "a\\r\\nb"',
    ],
    [
      "a header value breaks the line",
      { allowed: true, headers: { a: "x\r\ny: z" } },
      'the value of "a" has a character that headers cannot have',
    ],
    [
      "a header value is not Latin-1",
      { allowed: false, headers: { a: "\u674e" } },
      'the value of "a" has a character that headers cannot have',
    ],
    [
      "the length of a message is changed",
      { allowed: true, headers: { "Content-Length": "0" } },
      '"headers" changes "Content-Length", which a policy may not',
    ],
    [
      "the framing of a message is removed",
      { allowed: true, request_headers_to_remove: ["transfer-encoding"] },
      '"request_headers_to_remove" changes "transfer-encoding", which a policy may not',
    ],
    [
      "headers to remove are an object",
      { allowed: true, request_headers_to_remove: { a: "b" } },
      '"request_headers_to_remove" is of type object',
    ],
    [
      "a parameter is null",
      { allowed: true, query_parameters_to_set: { a: null } },
      '"query_parameters_to_set.a" holds a value null',
    ],
    ["the body is an object", { allowed: false, body: {} }, '"body" is of type object'],
    [
      "a refusal that looks like success",
      { allowed: false, http_status: 200 },
      '"http_status" is 200, accepted is 300 to 599 but 304',
    ],
    [
      "a status that is none",
      { allowed: false, http_status: 700 },
      '"http_status" is 700, accepted is 300 to 599 but 304',
    ],
    [
      "not modified",
      { allowed: false, http_status: 304 },
      '"http_status" is 304, accepted is 300 to 599 but 304',
    ],
    [
      "a status in words",
      { allowed: false, http_status: "401" },
      '"http_status" is of type string, accepted is 300 to 599 but 304',
    ],
  ];
  test.each(rows)("%s", (_name, result, detail) => {
    expect(decideVerdict(result)).toEqual({ ...deny, reason: "policy_result", detail });
  });
});

const decisions = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      allowed: fc.oneof(fc.boolean(), fc.jsonValue()),
      headers: fc.jsonValue(),
      request_headers_to_remove: fc.jsonValue(),
      response_headers_to_add: fc.jsonValue(),
      query_parameters_to_remove: fc.jsonValue(),
      query_parameters_to_set: fc.jsonValue(),
      body: fc.jsonValue(),
      http_status: fc.oneof(fc.integer(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  ),
);

function isExplicitlyAllowed(result: unknown): boolean {
  return (
    result === true ||
    (typeof result === "object" &&
      result !== null &&
      "allowed" in result &&
      result.allowed === true)
  );
}

test("whatever a policy answers, nothing is thrown and only an explicit allow allows", () => {
  fc.assert(
    fc.property(decisions, (result) => {
      const verdict: Verdict = decideVerdict(result);
      expect(verdict.kind === "allow" ? isExplicitlyAllowed(result) : verdict.status >= 300).toBe(
        true,
      );
    }),
  );
});

test("no header of a verdict can end its line", () => {
  const headers = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(headers, fc.boolean(), (given, allowed) => {
      const verdict = decideVerdict({ allowed, headers: given, response_headers_to_add: given });
      const written =
        verdict.kind === "allow"
          ? [...verdict.requestHeaders, ...verdict.responseHeaders]
          : verdict.headers;
      for (const [name, value] of written) expect(`${name}${value}`).not.toMatch(/[\r\n\0]/);
    }),
  );
});

describe("how long a decision may be given again", () => {
  test.each([
    [true, { kind: "default" }],
    [{ allowed: true }, { kind: "default" }],
    [
      { allowed: true, ttl: 30 },
      { kind: "ttl", ttlMs: 30_000 },
    ],
    [
      { allowed: false, ttl: 0.5 },
      { kind: "ttl", ttlMs: 500 },
    ],
    [{ allowed: true, ttl: 0 }, { kind: "none" }],
    [{ allowed: true, no_store: true }, { kind: "none" }],
    [{ allowed: true, no_store: false }, { kind: "default" }],
    [{ allowed: true, no_store: true, ttl: 30 }, { kind: "none" }],
    [undefined, { kind: "none" }],
    ["text", { kind: "none" }],
  ])("%j: %j", (result, storage) => {
    expect(readStorage(result)).toEqual(storage);
  });

  test.each([
    [{ allowed: true, ttl: "30s" }, '"ttl" is of type string'],
    [{ allowed: true, ttl: -1 }, '"ttl" is -1, accepted is 0 to 86400 seconds'],
    [{ allowed: true, ttl: 90_000 }, '"ttl" is 90000'],
    [{ allowed: false, no_store: "yes" }, '"no_store" is of type string'],
    [{ allowed: true, dynamic_metadata: [1] }, '"dynamic_metadata" is an array'],
  ])("%j is not understood", (result, detail) => {
    expect(decideVerdict(result)).toMatchObject({ kind: "deny", reason: "policy_result" });
    expect(decideVerdict(result)).toHaveProperty("detail", expect.stringContaining(detail));
    expect(readStorage(result)).toEqual(
      "dynamic_metadata" in result ? { kind: "default" } : { kind: "none" },
    );
  });
});
