/**
 * The audit record of one request, in objects: the readable specification of what
 * `src/audit/event.ts` and `src/audit/document.ts` write as text.
 */
import type { BundleIdentity, Watched } from "../../src/policy/decision.ts";
import type { ExchangeReport } from "../../src/proxy/exchange.ts";
import { eraseFrom, type Erasures, formatPointer, noErasures } from "../../src/audit/erase.ts";
import type { Labels } from "../../src/audit/event.ts";
import { mask, maskTarget, type Parameters, secretKeys, targetKeys } from "../../src/audit/mask.ts";

export type AuditEvent = Readonly<Record<string, unknown>>;

/** Left out when there is nothing in it. */
function listed(name: string, pointers: readonly string[]): AuditEvent {
  return pointers.length === 0 ? {} : { [name]: pointers };
}

/** The fields of OPA's event. */
function decisionFields({ decision }: ExchangeReport, erasures: Erasures): AuditEvent {
  if (decision === null) return {};
  const { bundles, watched } = decision;
  const [input, result] = [
    eraseFrom(decision.input ?? undefined, "input", erasures),
    eraseFrom(decision.result, "result", erasures),
  ];
  const shown = [
    maskDocument(input.value, "/input", erasures.parameters),
    maskDocument(result.value, "/result"),
  ] as const;
  return {
    ...(bundles.length === 0 ? {} : { bundles: describeBundles(bundles) }),
    path: decision.path,
    input: shown[0].value,
    result: shown[1].value,
    ...listed("erased", [...input.pointers, ...result.pointers]),
    ...listed("masked", [...shown[0].pointers, ...shown[1].pointers]),
    cached: decision.cached,
    ...(watched === null ? {} : { [watched.role]: describeWatched(watched) }),
  };
}

function describeBundles(bundles: readonly BundleIdentity[]): AuditEvent {
  return Object.fromEntries(bundles.map(({ name, revision }) => [name, { revision }]));
}

/** Under `candidate` or `current`: what the policy that was not enforced has decided. */
function describeWatched({ bundle, verdict, reason, differs }: Watched): AuditEvent {
  const { name, revision } = bundle;
  return { bundle: name, revision, verdict, ...(reason === null ? {} : { reason }), differs };
}

function requestFields({ head }: ExchangeReport, { facts, parameters }: Erasures): AuditEvent {
  if (head === null) return {};
  return {
    request: {
      method: facts.has("method") ? mask : head.method,
      target: facts.has("target") ? mask : maskTarget(head.target, parameters),
      host: facts.has("host") ? mask : head.host,
    },
  };
}

/** What would have been refused and was not: for which reason, and what let it through. */
function passageFields({ passage }: ExchangeReport): AuditEvent {
  return passage === null ? {} : { [passage.kind]: true, let_through: passage.reason };
}

function errorFields({ reason, detail, passage }: ExchangeReport): AuditEvent {
  const told = reason === null ? passage : { reason, detail };
  if (told === null || told.detail === null) return {};
  return { error: { code: told.reason, message: told.detail } };
}

/** How it ended, as far as there is something to say. */
function outcomeFields(report: ExchangeReport): AuditEvent {
  const { reason, aborted, upgraded, opaque, span } = report;
  return {
    ...(reason === null ? {} : { reason }),
    ...errorFields(report),
    ...(aborted === null ? {} : { aborted }),
    ...(upgraded ? { upgraded: true } : {}),
    ...(opaque ? { opaque: true } : {}),
    ...(span === null ? {} : { trace_id: span.traceId, span_id: span.spanId }),
  };
}

function byteFields({ requestBytes, responseBytes }: ExchangeReport): AuditEvent {
  return { request_bytes: requestBytes, response_bytes: responseBytes };
}

function beginEvent(report: ExchangeReport, labels: Labels, erasures: Erasures): AuditEvent {
  const { decision, source } = report;
  return {
    type: "openpolicyagent.org/decision_logs",
    timestamp: new Date(report.startedAt).toISOString(),
    decision_id: report.id,
    labels,
    ...decisionFields(report, erasures),
    requested_by: erasures.facts.has("source") ? mask : `${source.address}:${source.port}`,
    metrics: {
      timer_rego_query_eval_ns: decision?.evaluationNs ?? 0,
      timer_server_handler_ns: Math.round(report.durationMs * 1e6),
    },
    verdict: decision?.verdict.kind ?? "none",
    ...requestFields(report, erasures),
    ...passageFields(report),
    ...outcomeFields(report),
    port: report.destination.port,
  };
}

/** The whole of a request, when it is over. */
export function buildEvent(
  report: ExchangeReport,
  labels: Labels,
  erasures: Erasures = noErasures,
): AuditEvent {
  return {
    ...beginEvent(report, labels, erasures),
    status: report.status,
    ...byteFields(report),
  };
}

/** Before anything is sent on or back: of a refusal, also what the client will get. */
export function buildDecisionEvent(
  report: ExchangeReport,
  labels: Labels,
  erasures: Erasures = noErasures,
): AuditEvent {
  return {
    ...beginEvent(report, labels, erasures),
    phase: "decision",
    ...(report.reason === null ? {} : { status: report.status }),
  };
}

/** What became of a request whose decision is in the log already. */
export function buildOutcomeEvent(report: ExchangeReport, labels: Labels): AuditEvent {
  return {
    type: "bouncer.dev/outcome",
    timestamp: new Date(report.startedAt + report.durationMs).toISOString(),
    decision_id: report.id,
    labels,
    metrics: { timer_server_handler_ns: Math.round(report.durationMs * 1e6) },
    phase: "outcome",
    ...outcomeFields(report),
    status: report.status,
    ...byteFields(report),
  };
}

interface Shown {
  readonly value: unknown;
  /** JSON pointers (RFC 6901) below `root`. */
  readonly pointers: readonly string[];
}

/** Without a prototype: `__proto__` is a name like others. */
function createObject(): Record<string, unknown> {
  return { __proto__: null };
}

/** Masks a document of any shape below the pointer `root`. */
export function maskDocument(
  document: unknown,
  root: string,
  extra: Parameters = noErasures.parameters,
): Shown {
  const pointers: string[] = [];
  const trail: string[] = [];
  const visitMember = (key: string, value: unknown): unknown => {
    trail.push(key);
    const shown = secretKeys.has(key.toLowerCase()) ? hide(value) : visit(key, value);
    trail.pop();
    return shown;
  };
  const hide = (value: unknown): unknown => {
    if (value === null || value === undefined) return value;
    pointers.push(root + formatPointer(trail));
    return mask;
  };
  const visit = (key: string, value: unknown): unknown => {
    if (typeof value === "string") return targetKeys.has(key) ? visitTarget(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      return value.map((item: unknown, i) => visitMember(String(i), item));
    }
    const shown: Record<string, unknown> = createObject();
    for (const [name, item] of Object.entries(value)) shown[name] = visitMember(name, item);
    return shown;
  };
  const visitTarget = (target: string): string => {
    const shown = maskTarget(target, extra);
    if (shown !== target) pointers.push(root + formatPointer(trail));
    return shown;
  };
  return { value: visit("", document), pointers };
}
