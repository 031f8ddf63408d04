/**
 * The audit record of one request: OPA's decision-log event, and what the bouncer knows besides.
 * Written as JSON at once, on every request's path; test/reference/audit-event.ts says the same in
 * objects. Pure. The fields are documented in docs/reference/data-path.md.
 */
import type { BundleIdentity, Decision, Watched } from "../policy/decision.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createDocumentMask, type MaskDocument, type Masked } from "./document.ts";
import { eraseFrom, type Erasures, noErasures } from "./erase.ts";
import { createTargetMask, mask, type MaskTarget } from "./mask.ts";
import { isPlain, quote } from "./quote.ts";
import { createTimestamps } from "./timestamp.ts";

export interface Labels {
  /** Of this run of the bouncer: a chain of records begins with it. */
  readonly id: string;
  readonly app: "bouncer";
  readonly version: string;
  readonly pod: string;
  readonly namespace: string;
}

/** Each gives the members of a record as JSON, from the opening brace on: the chain adds its own. */
export interface EventWriter {
  /** The whole of a request, when it is over. */
  whole(report: ExchangeReport): string;
  /** Before anything is sent on or back: of a refusal, also what the client will get. */
  decision(report: ExchangeReport): string;
  /** What became of a request whose decision is in the log already. */
  outcome(report: ExchangeReport): string;
}

export function createEventWriter(labels: Labels, erasures: Erasures = noErasures): EventWriter {
  return new Writer(labels, erasures);
}

class Writer implements EventWriter {
  readonly #erasures: Erasures;
  readonly #labels: string;
  readonly #hidesSource: boolean;
  readonly #hasErasures: boolean;
  readonly #maskTarget: MaskTarget;
  readonly #maskInput: MaskDocument;
  readonly #maskResult = createDocumentMask();
  readonly #formatTime = createTimestamps();
  /** By what cached decisions have in common: what there is to say of their documents. */
  readonly #remembered = new WeakMap<object, string>();
  /** Of the bundles that decided last: the same until others become active. */
  #bundles: { readonly of: readonly BundleIdentity[]; readonly text: string } | null = null;

  constructor(labels: Labels, erasures: Erasures) {
    this.#erasures = erasures;
    this.#labels = JSON.stringify(labels);
    this.#hidesSource = erasures.facts.has("source");
    this.#hasErasures = erasures.pointers.length > 0;
    this.#maskTarget = createTargetMask(erasures.parameters);
    this.#maskInput = createDocumentMask(this.#maskTarget);
  }

  whole(report: ExchangeReport): string {
    return `${this.#begin(report)},"status":${report.status}${byteMembers(report)}`;
  }

  decision(report: ExchangeReport): string {
    const status = report.reason === null ? "" : `,"status":${report.status}`;
    return `${this.#begin(report)},"phase":"decision"${status}`;
  }

  outcome(report: ExchangeReport): string {
    const head = this.#head("bouncer.dev/outcome", report.startedAt + report.durationMs, report);
    return (
      `${head},"metrics":{"timer_server_handler_ns":${nanoseconds(report.durationMs)}}` +
      `,"phase":"outcome"${outcomeMembers(report)},"status":${report.status}${byteMembers(report)}`
    );
  }

  #head(type: string, at: number, { id }: ExchangeReport): string {
    return (
      `{"type":"${type}","timestamp":"${this.#formatTime(at)}"` +
      `,"decision_id":${quote(id)},"labels":${this.#labels}`
    );
  }

  #begin(report: ExchangeReport): string {
    const { decision, durationMs } = report;
    return (
      this.#head("openpolicyagent.org/decision_logs", report.startedAt, report) +
      (decision === null ? "" : this.#decisionMembers(decision)) +
      `,"requested_by":${this.#sourceOf(report)}` +
      `,"metrics":{"timer_rego_query_eval_ns":${decision?.evaluationNs ?? 0}` +
      `,"timer_server_handler_ns":${nanoseconds(durationMs)}}` +
      `,"verdict":"${decision?.verdict.kind ?? "none"}"` +
      this.#requestMembers(report) +
      passageMembers(report) +
      outcomeMembers(report) +
      `,"port":${report.destination.port}`
    );
  }

  #sourceOf({ source: { address, port } }: ExchangeReport): string {
    if (this.#hidesSource) return `"${mask}"`;
    return isPlain(address) ? `"${address}:${port}"` : JSON.stringify(`${address}:${port}`);
  }

  /** The fields of OPA's event. */
  #decisionMembers(decision: Decision): string {
    const { bundles, watched } = decision;
    return (
      (bundles.length === 0 ? "" : this.#bundleMember(bundles)) +
      `,"path":${quote(decision.path)}${this.#documentMembers(decision)}` +
      `,"cached":${decision.cached}` +
      (watched === null ? "" : `,"${watched.role}":${describeWatched(watched)}`)
    );
  }

  #documentMembers(decision: Decision): string {
    const { remembered = null } = decision;
    if (remembered === null) return this.#buildDocumentMembers(decision);
    const known = this.#remembered.get(remembered);
    if (known !== undefined) return known;
    const members = this.#buildDocumentMembers(decision);
    this.#remembered.set(remembered, members);
    return members;
  }

  #buildDocumentMembers(decision: Decision): string {
    const erased: string[] = [];
    const input = this.#inputOf(decision, erased);
    const result = this.#resultOf(decision, erased);
    return (
      (input === null ? "" : `,"input":${input.text}`) +
      (result === null ? "" : `,"result":${result.text}`) +
      (erased.length === 0 ? "" : `,"erased":${JSON.stringify(erased)}`) +
      maskedMember(input, result)
    );
  }

  /** Without erasures, what is masked is the text that the policy got: `input` may be costly. */
  #inputOf(decision: Decision, erased: string[]): Masked | null {
    const text = this.#hasErasures
      ? this.#erase(decision.input ?? undefined, "input", erased)
      : (decision.inputText ?? toJson(decision.input ?? undefined));
    return text === undefined ? null : this.#maskInput(text, "/input");
  }

  #resultOf({ result }: Decision, erased: string[]): Masked | null {
    const text = this.#hasErasures ? this.#erase(result, "result", erased) : toJson(result);
    return text === undefined ? null : this.#maskResult(text, "/result");
  }

  #erase(document: unknown, root: string, erased: string[]): string | undefined {
    const { value, pointers } = eraseFrom(document, root, this.#erasures);
    erased.push(...pointers);
    return toJson(value);
  }

  #bundleMember(bundles: readonly BundleIdentity[]): string {
    if (this.#bundles?.of !== bundles) {
      const shown = bundles.map(({ name, revision }) => [name, { revision }] as const);
      const text = `,"bundles":${JSON.stringify(Object.fromEntries(shown))}`;
      this.#bundles = { of: bundles, text };
    }
    return this.#bundles.text;
  }

  #requestMembers({ head }: ExchangeReport): string {
    if (head === null) return "";
    const { facts } = this.#erasures;
    const method = facts.has("method") ? mask : head.method;
    const target = facts.has("target") ? mask : this.#maskTarget(head.target);
    const host = facts.has("host") ? mask : head.host;
    return `,"request":{"method":${quote(method)},"target":${quote(target)},"host":${quote(host)}}`;
  }
}

/** As it is typed, it could not answer that there is nothing. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** Under `candidate` or `current`: what the policy that was not enforced has decided. */
function describeWatched({ bundle, verdict, reason, differs }: Watched): string {
  const { name, revision } = bundle;
  const why = reason === null ? {} : { reason };
  return JSON.stringify({ bundle: name, revision, verdict, ...why, differs });
}

function maskedMember(input: Masked | null, result: Masked | null): string {
  const ofInput = input?.pointers ?? [];
  const ofResult = result?.pointers ?? [];
  if (ofInput.length === 0 && ofResult.length === 0) return "";
  return `,"masked":${JSON.stringify([...ofInput, ...ofResult])}`;
}

/** What would have been refused and was not: for which reason, and what let it through. */
function passageMembers({ passage }: ExchangeReport): string {
  return passage === null ? "" : `,"${passage.kind}":true,"let_through":"${passage.reason}"`;
}

function errorMember({ reason, detail, passage }: ExchangeReport): string {
  const told = reason === null ? passage : { reason, detail };
  if (told === null || told.detail === null) return "";
  return `,"error":{"code":"${told.reason}","message":${quote(told.detail)}}`;
}

/** How it ended, as far as there is something to say. */
function outcomeMembers(report: ExchangeReport): string {
  const { reason, aborted, upgraded, opaque, span } = report;
  return (
    (reason === null ? "" : `,"reason":"${reason}"`) +
    errorMember(report) +
    (aborted === null ? "" : `,"aborted":"${aborted}"`) +
    (upgraded ? ',"upgraded":true' : "") +
    (opaque ? ',"opaque":true' : "") +
    (span === null ? "" : `,"trace_id":"${span.traceId}","span_id":"${span.spanId}"`)
  );
}

function byteMembers({ requestBytes, responseBytes }: ExchangeReport): string {
  return `,"request_bytes":${requestBytes},"response_bytes":${responseBytes}`;
}
