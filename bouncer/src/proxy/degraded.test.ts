import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasons, type RefusalReason } from "../errors.ts";
import {
  type DegradedRoute,
  findPassage,
  isListed,
  parseDegradedRoute,
  rows,
  verdictOf,
} from "./degraded.ts";
import { readTarget } from "./target.ts";

/** Every reason there is, and what it becomes: enforced and in shadow mode, on a route that is not listed and on one that is. */
const matrix: Readonly<Record<RefusalReason, readonly (string | null)[]>> = {
  policy: [null, null, "shadow", "shadow"],
  policy_result: [null, null, "shadow", "shadow"],
  policy_error: [null, "degraded", "shadow", "degraded"],
  policy_timeout: [null, "degraded", "shadow", "degraded"],
  no_policy: [null, "degraded", "shadow", "degraded"],
  bad_body: [null, null, "shadow", "shadow"],
  ambiguous_request: [null, null, "shadow", "shadow"],
  overload: [null, "degraded", null, "degraded"],
  audit_unavailable: [null, null, null, null],
  bad_request: [null, null, null, null],
  headers_too_large: [null, null, null, null],
  request_timeout: [null, null, null, null],
  app_unreachable: [null, null, null, null],
  app_failed: [null, null, null, null],
  app_timeout: [null, null, null, null],
  policy_changed: [null, null, null, null],
  internal: [null, null, null, null],
};

const cells = reasons.flatMap((reason) =>
  [false, true].flatMap((shadow) =>
    [false, true].map((listed) => {
      const expected = matrix[reason][2 * Number(shadow) + Number(listed)] ?? null;
      return { reason, shadow, listed, expected };
    }),
  ),
);

test.each(cells)(
  "$reason, shadow: $shadow, listed: $listed: $expected",
  ({ reason, shadow, listed, expected }) => {
    const degradedRoutes = listed ? routesOf("GET /x") : routesOf("POST /x, GET /y");
    const enforcement = { shadow, degradedRoutes };
    const passage = findPassage({ reason, detail: "why" }, at("GET /x"), enforcement);
    expect(passage).toEqual(expected === null ? null : { kind: expected, reason, detail: "why" });
  },
);

test("the table has a row for each reason and no other", () => {
  expect(Object.keys(rows).toSorted()).toEqual(reasons.toSorted());
});

function routesOf(text: string): DegradedRoute[] {
  return text.split(", ").map((item) => {
    const route = parseDegradedRoute(item);
    if (route === null) throw new Error(`not a route: ${item}`);
    return route;
  });
}

function at(line: string): { method: string; target: string } {
  const [method = "", target = ""] = line.split(" ");
  return { method, target };
}

test.each([
  ["GET /health", "GET /health", true],
  ["GET /health", "GET /health?full=1", true],
  ["GET /health", "GET /health/", false],
  ["GET /health", "GET /healthy", false],
  ["GET /health", "GET /Health", false],
  ["GET /health", "HEAD /health", false],
  ["GET /health", "POST /health", false],
  ["* /health", "DELETE /health", true],
  ["GET /static/*", "GET /static/a/b.css", true],
  ["GET /static/*", "GET /static/", true],
  ["GET /static/*", "GET /static", false],
  ["GET /static/*", "GET /statics/a", false],
  ["GET /static/*", "GET /x?/static/a", false],
  ["GET /static/*", "GET /x?y=/static/a", false],
  ["GET /", "GET /", true],
  ["GET /", "GET /x", false],
  ["GET /*", "GET /x", true],
  ["GET /a, * /b/*", "PUT /b/c", true],
  ["GET /%7Euser", "GET /~user", true],
])("%s and the request %s: %s", (routes, line, expected) => {
  expect(isListed(routesOf(routes), at(line))).toBe(expected);
});

/** Ways of writing a path that leads elsewhere than it looks. */
const segments = [
  "static",
  "..",
  ".",
  "%2e%2e",
  "..;",
  "%2f",
  "%5c",
  "\\",
  "",
  "admin",
  "%61",
  "a",
];

test("a path is listed in the one form that the application gets, or not at all", () => {
  const routes = routesOf("GET /static/*");
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...segments), { maxLength: 5 }), (parts) => {
      const raw = `/${parts.join("/")}`;
      const read = readTarget(raw);
      if (!read.ok) return;
      const listed = isListed(routes, { method: "GET", target: read.target });
      const resolved = new URL(read.target, "http://a").pathname;
      expect(listed).toBe(resolved.startsWith("/static/"));
    }),
    { numRuns: 2000 },
  );
});

describe("what the client is told", () => {
  test.each([
    ["degraded", [["X-Bouncer-Degraded", "no_policy"]]],
    ["shadow", []],
  ] as const)("%s", (kind, responseHeaders) => {
    const verdict = verdictOf({ kind, reason: "no_policy", detail: null });
    expect(verdict).toEqual({
      kind: "allow",
      requestHeaders: [],
      requestHeadersToRemove: [],
      responseHeaders,
      queryParametersToRemove: [],
      queryParametersToSet: [],
    });
  });
});
