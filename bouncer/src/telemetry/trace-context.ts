/** W3C Trace Context, level 1: the header `traceparent`. Pure but for the random ids. */
import { randomBytes } from "node:crypto";

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Span of the caller; null when this is the first of its trace. */
  readonly parentSpanId: string | null;
  readonly sampled: boolean;
}

const form =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** A span below the caller's; a header that cannot be read starts a trace of its own. */
export function startSpan(traceparent: string | undefined): SpanContext {
  const spanId = randomBytes(8).toString("hex");
  const [, traceId, parentSpanId, flags] = form.exec(traceparent?.trim() ?? "") ?? [];
  if (traceId === undefined || parentSpanId === undefined || flags === undefined) {
    return { traceId: randomBytes(16).toString("hex"), spanId, parentSpanId: null, sampled: true };
  }
  return { traceId, spanId, parentSpanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent(span: SpanContext): string {
  return `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`;
}
