/**
 * The audit record of one request: OPA's decision-log event, and what the bouncer knows besides.
 * Pure. The fields are documented in docs/reference/data-path.md.
 */
import type { ExchangeReport } from "../proxy/exchange.ts";
import { maskDocument, maskTarget } from "./mask.ts";

export interface Labels {
  /** Of this run of the bouncer: a chain of records begins with it. */
  readonly id: string;
  readonly app: "bouncer";
  readonly version: string;
  readonly pod: string;
  readonly namespace: string;
}

export type AuditEvent = Readonly<Record<string, unknown>>;

/** The fields of OPA's event. */
function decisionFields({ decision }: ExchangeReport): AuditEvent {
  if (decision === null) return {};
  const { bundle } = decision;
  const input = maskDocument(decision.input ?? undefined, "/input");
  const result = maskDocument(decision.result, "/result");
  const masked = [...input.pointers, ...result.pointers];
  return {
    ...(bundle === null ? {} : { bundles: { [bundle.name]: { revision: bundle.revision } } }),
    path: decision.path,
    input: input.value,
    result: result.value,
    ...(masked.length === 0 ? {} : { masked }),
    cached: decision.cached,
  };
}

/** What is only there when there is something to say. */
function optionalFields({ head, reason, detail, span, ...report }: ExchangeReport): AuditEvent {
  return {
    ...(head === null
      ? {}
      : { request: { method: head.method, target: maskTarget(head.target), host: head.host } }),
    ...(reason === null ? {} : { reason }),
    ...(reason === null || detail === null ? {} : { error: { code: reason, message: detail } }),
    ...(report.aborted === null ? {} : { aborted: report.aborted }),
    ...(report.upgraded ? { upgraded: true } : {}),
    ...(span === null ? {} : { trace_id: span.traceId, span_id: span.spanId }),
  };
}

export function buildEvent(report: ExchangeReport, labels: Labels): AuditEvent {
  const { decision, source } = report;
  return {
    type: "openpolicyagent.org/decision_logs",
    timestamp: new Date(report.startedAt).toISOString(),
    decision_id: report.id,
    labels,
    ...decisionFields(report),
    requested_by: `${source.address}:${source.port}`,
    metrics: {
      timer_rego_query_eval_ns: decision?.evaluationNs ?? 0,
      timer_server_handler_ns: Math.round(report.durationMs * 1e6),
    },
    verdict: decision?.verdict.kind ?? "none",
    ...optionalFields(report),
    port: report.destination.port,
    status: report.status,
    request_bytes: report.requestBytes,
    response_bytes: report.responseBytes,
  };
}
