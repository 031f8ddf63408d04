/**
 * One request and what became of it. Everything that is told about it later (audit record,
 * metrics, span, log) is read from here, once, when it is over.
 */
import { randomUUID } from "node:crypto";
import type { RefusalReason } from "../errors.ts";
import type { Decision, Endpoint, RequestHead } from "../policy/decision.ts";
import type { SpanContext } from "../telemetry/trace-context.ts";
import type { Passage } from "./degraded.ts";

/** What the client was to get when the decision was recorded; null: the application's answer. */
export interface Recorded {
  readonly reason: RefusalReason | null;
  readonly status: number | null;
}

export interface ExchangeReport {
  /** Id of the decision, or of its own when there was none. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** null when no head could be read. */
  readonly head: RequestHead | null;
  readonly decision: Decision | null;
  /** Why it went on although it would have been refused; null when it would not. */
  readonly passage: Passage | null;
  /** Set as soon as its decision is recorded, or may be, where records are written before. */
  readonly recorded: Recorded | null;
  /** Why the client did not get the application's answer; null when it did. */
  readonly reason: RefusalReason | null;
  readonly detail: string | null;
  /** What the client was sent; null when it went away before. */
  readonly status: number | null;
  /** Who ended it before its time. */
  readonly aborted: "client" | "app" | null;
  readonly upgraded: boolean;
  /** A connection whose bytes are no HTTP to us: there is no head and no status. */
  readonly opaque: boolean;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly span: SpanContext | null;
}

export type Report = (report: ExchangeReport) => void;

/** Is the report on itself: there is nothing to copy for whom it is told to at its end. */
export class Exchange implements ExchangeReport {
  head: RequestHead | null = null;
  decision: Decision | null = null;
  passage: Passage | null = null;
  recorded: Recorded | null = null;
  reason: RefusalReason | null = null;
  detail: string | null = null;
  status: number | null = null;
  aborted: "client" | "app" | null = null;
  upgraded = false;
  opaque = false;
  requestBytes = 0;
  responseBytes = 0;
  span: SpanContext | null = null;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly startedAt = Date.now();
  readonly #start = performance.now();
  #durationMs: number | null = null;
  readonly #report: Report;
  #id: string | null = null;
  #over = false;

  constructor(source: Endpoint, destination: Endpoint, report: Report) {
    this.source = source;
    this.destination = destination;
    this.#report = report;
  }

  /** The decision's id as soon as there is a decision. */
  get id(): string {
    this.#id ??= this.decision?.id ?? randomUUID();
    return this.#id;
  }

  /** Until now; when it is over, until then. */
  get durationMs(): number {
    return this.#durationMs ?? performance.now() - this.#start;
  }

  /** Reports, the first time it is called: a request has one record, however it ends. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#durationMs = performance.now() - this.#start;
    this.#report(this);
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** As far as it has come, in a copy. */
  describe(): ExchangeReport {
    return {
      id: this.id,
      startedAt: this.startedAt,
      durationMs: this.durationMs,
      source: this.source,
      destination: this.destination,
      head: this.head,
      decision: this.decision,
      passage: this.passage,
      recorded: this.recorded,
      reason: this.reason,
      detail: this.detail,
      status: this.status,
      aborted: this.aborted,
      upgraded: this.upgraded,
      opaque: this.opaque,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      span: this.span,
    };
  }
}
