import { ApiException } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { apiFailure } from "./failure.ts";

const refused = new Error("connect ECONNREFUSED 127.0.0.1:6443");

test.each([
  [
    "the API server's own words",
    new ApiException(403, "x", { message: "forbidden: y" }, {}),
    "forbidden: y",
  ],
  ["an answer without words", new ApiException(502, "x", "<html>", {}), "HTTP 502"],
  [
    "no connection",
    new TypeError("fetch failed", { cause: refused }),
    "fetch failed (connect ECONNREFUSED 127.0.0.1:6443)",
  ],
  [
    "no connection to any address",
    new TypeError("fetch failed", { cause: new AggregateError([refused]) }),
    "fetch failed (connect ECONNREFUSED 127.0.0.1:6443)",
  ],
  ["anything else", "odd", "odd"],
])("%s", (_, error, detail) => {
  const { code, message } = apiFailure("list pods", error);
  expect({ code, message }).toEqual({ code: "api_failed", message: `Cannot list pods: ${detail}` });
});
