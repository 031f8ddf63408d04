import { expect, test } from "vitest";
import { formatTraceparent, startSpan } from "./trace-context.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test.each([
  [`00-${trace}-${parent}-01`, true],
  [`00-${trace}-${parent}-00`, false],
  [`00-${trace}-${parent}-03`, true],
  [`cc-${trace}-${parent}-01-what-the-future-will-be-like`, true],
])("%s is gone on with", (header, sampled) => {
  const span = startSpan(header);
  expect(span).toMatchObject({ traceId: trace, parentSpanId: parent, sampled });
  expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(formatTraceparent(span)).toBe(`00-${trace}-${span.spanId}-0${sampled ? 1 : 0}`);
});

test.each([
  [undefined],
  [""],
  [`ff-${trace}-${parent}-01`],
  [`00-${"0".repeat(32)}-${parent}-01`],
  [`00-${trace}-${"0".repeat(16)}-01`],
  [`00-${trace.toUpperCase()}-${parent}-01`],
  [`00-${trace}-${parent}`],
])("%s starts a trace of its own", (header) => {
  const span = startSpan(header);
  expect(span).toMatchObject({ parentSpanId: null, sampled: true });
  expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(span.traceId).not.toBe(trace);
});
