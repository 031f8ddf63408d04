/**
 * One span for each request, exported as OTLP over HTTP in JSON (opentelemetry-proto, 1.x), in
 * batches, bounded: when the collector is slow or away, spans are dropped and counted.
 */
import type { Config } from "../config.ts";
import type { Header, RequestHead } from "../policy/decision.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { valuesOf } from "../proxy/headers.ts";
import { formatTraceparent, type SpanContext, startSpan } from "./trace-context.ts";

export interface Tracing {
  /** The span of a request, and the header that makes the application's spans its children. */
  trace(head: RequestHead): { span: SpanContext; headers: readonly Header[] } | null;
  record(report: ExchangeReport): void;
  close(): Promise<void>;
}

export interface TracingDeps {
  readonly version: string;
  readonly onDropped: (spans: number, error: unknown) => void;
  /** Sends one batch; throws when the collector did not take it. */
  readonly send?: (url: string, body: string) => Promise<void>;
}

type TracingConfig = Pick<
  Config,
  "otelEnabled" | "otelExporterOtlpEndpoint" | "otelServiceName" | "podName" | "podNamespace"
>;

const maxQueued = 2048;
const batchSize = 512;
const flushMs = 5000;
const sendTimeoutMs = 10_000;

const spanKindServer = 2;
const statusError = 2;

type Value = string | number | boolean;

function attribute(key: string, value: Value): unknown {
  if (typeof value === "string") return { key, value: { stringValue: value } };
  if (typeof value === "boolean") return { key, value: { boolValue: value } };
  return { key, value: { intValue: String(value) } };
}

function attributes(values: Attributes): unknown[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [attribute(key, value)],
  );
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

type Attributes = Readonly<Record<string, Value | null | undefined>>;

function requestAttributes({ head, source, destination, status }: ExchangeReport): Attributes {
  return {
    "http.request.method": head?.method,
    "url.path": head?.target.split("?", 1)[0],
    "server.address": head?.host,
    "server.port": destination.port,
    "client.address": source.address,
    "http.response.status_code": status,
  };
}

function decisionAttributes({ id, decision, reason }: ExchangeReport): Attributes {
  return {
    "bouncer.decision_id": id,
    "bouncer.verdict": decision?.verdict.kind,
    "bouncer.reason": reason,
    "bouncer.cached": decision?.cached,
    "bouncer.bundle.revision": decision?.bundle?.revision,
  };
}

function buildSpan(report: ExchangeReport, span: SpanContext): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? undefined,
    name: report.head?.method ?? "unreadable request",
    kind: spanKindServer,
    startTimeUnixNano: nanoseconds(report.startedAt),
    endTimeUnixNano: nanoseconds(report.startedAt + report.durationMs),
    status: (report.status ?? 0) >= 500 ? { code: statusError } : {},
    attributes: attributes({ ...requestAttributes(report), ...decisionAttributes(report) }),
  };
}

async function post(url: string, body: string): Promise<void> {
  const { ask } = await import("../client/request.ts");
  const response = await ask(new URL(url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    headMs: sendTimeoutMs,
    pauseMs: sendTimeoutMs,
  });
  response.resume();
  if (response.statusCode === undefined || response.statusCode >= 300)
    throw new Error(`collector answered ${response.statusCode}`);
}

const off: Tracing = {
  trace: () => null,
  record: () => {
    // Switched off.
  },
  close: () => Promise.resolve(),
};

export function createTracing(config: TracingConfig, deps: TracingDeps): Tracing {
  if (!config.otelEnabled) return off;
  const { onDropped, send = post } = deps;
  const url = `${config.otelExporterOtlpEndpoint.href.replace(/\/$/, "")}/v1/traces`;
  const resource = {
    attributes: attributes({
      "service.name": config.otelServiceName,
      "service.version": deps.version,
      "k8s.pod.name": config.podName,
      "k8s.namespace.name": config.podNamespace,
    }),
  };
  const scope = { name: "bouncer", version: deps.version };
  let queue: unknown[] = [];
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    while (queue.length > 0) {
      const spans = queue.slice(0, batchSize);
      queue = queue.slice(batchSize);
      try {
        const resourceSpans = [{ resource, scopeSpans: [{ scope, spans }] }];
        await send(url, JSON.stringify({ resourceSpans }));
      } catch (error) {
        onDropped(spans.length, error);
      }
    }
  };
  const start = (): void => {
    sending ??= flush().finally(() => {
      sending = null;
    });
  };
  return {
    trace: (head) => {
      const span = startSpan(valuesOf(head.rawHeaders, "traceparent")[0]);
      return { span, headers: [["traceparent", formatTraceparent(span)]] };
    },
    record: (report) => {
      if (report.span?.sampled !== true) return;
      if (queue.length >= maxQueued) {
        onDropped(1, null);
        return;
      }
      queue.push(buildSpan(report, report.span));
      if (queue.length >= batchSize) start();
      else timer ??= setTimeout(start, flushMs).unref();
    },
    close: async () => {
      start();
      await sending;
    },
  };
}
