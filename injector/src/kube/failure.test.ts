import { ApiException } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { apiFailure, ApiStatusError, isForbidden, isTransient, statusOf } from "./failure.ts";

const refused = new Error("connect ECONNREFUSED 127.0.0.1:6443");

test.each([
  [
    "the API server's own words",
    new ApiStatusError(403, '{"kind":"Status","message":"forbidden: y"}'),
    "forbidden: y",
  ],
  ["a status that was parsed", new ApiStatusError(500, { message: "etcd: z" }), "etcd: z"],
  ["an answer without words", new ApiStatusError(502, "<html>"), "HTTP 502"],
  [
    "client-node's words",
    new ApiException(403, "x", { message: "forbidden: y" }, {}),
    "forbidden: y",
  ],
  ["client-node's answer without words", new ApiException(502, "x", "<html>", {}), "HTTP 502"],
  ["no connection", refused, "connect ECONNREFUSED 127.0.0.1:6443"],
  [
    "no connection to any address",
    new AggregateError([refused]),
    "connect ECONNREFUSED 127.0.0.1:6443",
  ],
  [
    "no connection to either of two addresses, each for its own reason",
    new AggregateError([new Error("connect ENETUNREACH ::1:6443"), refused, refused]),
    "connect ENETUNREACH ::1:6443; connect ECONNREFUSED 127.0.0.1:6443",
  ],
  [
    "no connection of client-node",
    new TypeError("fetch failed", { cause: refused }),
    "fetch failed (connect ECONNREFUSED 127.0.0.1:6443)",
  ],
  [
    "no connection of client-node to any address",
    new TypeError("fetch failed", { cause: new AggregateError([refused]) }),
    "fetch failed (connect ECONNREFUSED 127.0.0.1:6443)",
  ],
  ["anything else", "odd", "odd"],
])("%s", (_, error, detail) => {
  const { code, message } = apiFailure("list pods", error);
  expect({ code, message }).toEqual({ code: "api_failed", message: `Cannot list pods: ${detail}` });
});

test.each([
  { error: new ApiStatusError(401, ""), status: 401, forbidden: true, transient: false },
  { error: new ApiStatusError(403, ""), status: 403, forbidden: true, transient: false },
  { error: new ApiException(404, "x", "", {}), status: 404, forbidden: false, transient: false },
  { error: new ApiStatusError(409, ""), status: 409, forbidden: false, transient: true },
  { error: new ApiStatusError(429, ""), status: 429, forbidden: false, transient: true },
  { error: new ApiStatusError(503, ""), status: 503, forbidden: false, transient: true },
  // Has a number for its code, too.
  {
    error: new DOMException("timeout", "TimeoutError"),
    status: null,
    forbidden: false,
    transient: true,
  },
  { error: refused, status: null, forbidden: false, transient: true },
])("$error is status $status", ({ error, status, forbidden, transient }) => {
  expect(statusOf(error)).toBe(status);
  for (const thrown of [error, apiFailure("ask", error)]) {
    expect(isForbidden(thrown)).toBe(forbidden);
    expect(isTransient(thrown)).toBe(transient);
  }
});
