/**
 * One allowed request on its way to the application and the answer on its way back: streamed in
 * both directions with back-pressure, ended for both sides when one ends it.
 */
import type { RefusalReason } from "../errors.ts";
import type {
  ClientStream,
  ClientStreamListener,
  HeaderMemo,
  OutgoingRequest,
  RawHeaders,
  ResponseHead,
  ServerStream,
  Switched,
  Upstream,
  UpstreamError,
} from "../http/message.ts";
import type { Header, RequestHead, Verdict } from "../policy/decision.ts";
import { buildAnswerHead } from "./answer-head.ts";
import type { BodyStart } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import {
  applyRequestHeaders,
  buildRequestTrailers,
  buildResponseHeaders,
  buildSwitchHeaders,
  buildTrailers,
  withoutUpgrade,
} from "./headers.ts";
import { splice } from "./splice.ts";
import { editQuery } from "./target.ts";

export type Allowed = Extract<Verdict, { kind: "allow" }>;

export interface Forward {
  readonly exchange: Exchange;
  readonly stream: ServerStream;
  readonly head: RequestHead;
  /** Goes with the headers of `head`. */
  readonly memo: HeaderMemo;
  readonly verdict: Allowed;
  /** What was read ahead of the body. */
  readonly start: BodyStart | null;
  /** The protocol to switch to. */
  readonly upgrade: string | null;
  readonly upstream: Upstream;
  /** 0: no limit. */
  readonly timeoutMs: number;
  /** Of an answer that has none. */
  readonly date: () => string;
  /** The client is to open a new connection for its next request. */
  readonly closing: () => boolean;
  /** Answers instead of the application; only before an answer has begun. */
  readonly refuse: (reason: RefusalReason, detail: string) => void;
  /** Both sides of an upgraded connection are closed. */
  readonly onUnspliced: () => void;
  /** Headers that the bouncer adds on its own account, such as traceparent. */
  readonly ownHeaders: readonly Header[];
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** REFUSED_STREAM of HTTP/2 (RFC 9113, 8.7). */
const refusedStream = 7;

const reasons: Readonly<Record<UpstreamError["kind"], RefusalReason>> = {
  unreachable: "app_unreachable",
  failed: "app_failed",
  internal: "internal",
};

export class Forwarding implements ClientStreamListener {
  readonly #to: Forward;
  readonly #hasBody: boolean;
  #client: ClientStream | null = null;
  #isRequestEnded: boolean;
  /** The application does not take more of the body at the moment. */
  #isBlocked = false;
  #isHeadSent = false;
  /** All of the answer is there. */
  #isAnswered = false;
  #isRetried = false;
  /** The client has its answer, or is gone: whatever the upstream still says is for nobody. */
  #isOver = false;
  /** Since when the application is waited for; on `performance`'s clock. */
  #waitingSince = 0;
  /** Of the request, when the clock was looked at last. */
  #lastBytes = 0;
  #spliced: { readonly client: Switched; readonly app: Switched } | null = null;

  constructor(to: Forward) {
    this.#to = to;
    this.#hasBody = to.stream.request.bodyLength !== 0;
    this.#isRequestEnded = !this.#hasBody;
  }

  begin(now: number): void {
    this.#waitingSince = now;
    this.#send(false);
    if (!this.#hasBody) return;
    const { start, stream } = this.#to;
    for (const chunk of start?.chunks ?? []) this.onBody(chunk);
    if (start?.trailers !== null && start !== null) this.onBodyEnd(start.trailers);
    else if (!this.#isBlocked) stream.resumeBody();
  }

  #send(isRetry: boolean): void {
    const { head, memo, verdict, ownHeaders, stream, start, upgrade, upstream } = this.#to;
    const set =
      ownHeaders.length === 0 ? verdict.requestHeaders : [...ownHeaders, ...verdict.requestHeaders];
    const headers = applyRequestHeaders(head.rawHeaders, set, verdict.requestHeadersToRemove);
    const isUnchanged = headers === head.rawHeaders && upgrade === null;
    const request: OutgoingRequest = {
      method: head.method,
      target: editQuery(head.target, verdict.queryParametersToRemove, verdict.queryParametersToSet),
      scheme: head.scheme,
      rawHeaders: upgrade === null ? headers : withoutUpgrade(headers),
      bodyLength: stream.request.bodyLength,
      // What was read ahead was asked for by us.
      expectsContinue: stream.request.expectsContinue && start === null,
      upgrade,
      isRetry,
      ...(isUnchanged ? { memo } : {}),
    };
    this.#client = upstream.send(request, this);
  }

  // The client's side.

  onBody(chunk: Buffer): boolean {
    const { exchange } = this.#to;
    exchange.requestBytes += chunk.length;
    if (this.#client === null) return true;
    // Of what came at once, each piece is sent; that one was too much stays true.
    if (!this.#client.sendData(chunk)) this.#isBlocked = true;
    if (this.#isBlocked && this.#isAnswered) this.#giveUpBody();
    return !this.#isBlocked;
  }

  /** The application has answered, and does not read what it is still sent. */
  #giveUpBody(): void {
    this.#client?.abort();
    this.#over();
    this.#to.stream.discardBody();
  }

  onBodyEnd(trailers: RawHeaders): void {
    this.#isRequestEnded = true;
    this.#client?.sendEnd(buildRequestTrailers(trailers, this.#to.verdict));
  }

  onClientDrain(): void {
    this.#client?.resume();
  }

  onClientClose(): void {
    if (this.#isOver && this.#client === null) return;
    this.#isOver = true;
    this.#client?.abort();
    this.#client = null;
  }

  /** Nobody may have the rest of it any more: another policy would not have let it begin. */
  cut(exchange: Exchange, detail: string): void {
    if (!this.#isHeadSent) {
      this.#giveUp("policy_changed", detail);
      return;
    }
    exchange.reason = "policy_changed";
    exchange.detail = detail;
    this.#isOver = true;
    this.#client?.abort();
    this.#client = null;
    this.#spliced?.client.stream.reset();
    this.#spliced?.app.stream.reset();
    if (this.#spliced === null) this.#to.stream.abort();
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** The answer has begun, or there is no longer one to come. */
  get isHeadSent(): boolean {
    return this.#isHeadSent;
  }

  // Time.

  /** The clock runs while the application is waited for, not while it is being sent to. */
  check(now: number): void {
    const { timeoutMs, exchange } = this.#to;
    if (timeoutMs === 0 || this.#isHeadSent || this.#isOver) return;
    if (exchange.requestBytes !== this.#lastBytes) {
      this.#lastBytes = exchange.requestBytes;
      this.#waitingSince = now;
    } else if (now - this.#waitingSince >= timeoutMs) this.#onTimeout();
  }

  #onTimeout(): void {
    const isClients = !this.#isRequestEnded && !this.#isBlocked;
    if (isClients) this.#giveUp("request_timeout", "the body stopped coming");
    else this.#giveUp("app_timeout", `no response within ${this.#to.timeoutMs} ms`);
  }

  #giveUp(reason: RefusalReason, detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isHeadSent = true;
    const client = this.#client;
    this.#client = null;
    this.#to.refuse(reason, detail);
    client?.abort();
  }

  // The application's side.

  onInformation(status: number, rawHeaders: RawHeaders): void {
    const { stream } = this.#to;
    if (this.#isOver) return;
    if (status === 100) stream.sendContinue();
    else stream.sendInformation(status, buildResponseHeaders(rawHeaders, [], null));
  }

  onHead(head: ResponseHead): void {
    const { exchange, stream, verdict, closing, date } = this.#to;
    if (this.#isOver) return;
    try {
      const answer = buildAnswerHead(head, verdict.responseHeaders, date);
      stream.sendHead(answer, { close: closing() });
    } catch (error) {
      this.#giveUpAnswer(error);
      return;
    }
    this.#isHeadSent = true;
    exchange.status = head.status;
  }

  /** The verdict wants what HTTP cannot carry: a bug, which costs this one request. */
  #giveUpAnswer(error: unknown): void {
    this.#giveUp("internal", error instanceof Error ? error.message : "unknown");
  }

  onData(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    this.#to.exchange.responseBytes += chunk.length;
    return this.#to.stream.sendData(chunk);
  }

  onEnd(trailers: RawHeaders): void {
    if (this.#isOver) return;
    const { stream, exchange } = this.#to;
    this.#isAnswered = true;
    if (this.#isRequestEnded) this.#over();
    stream.sendEnd(buildTrailers(trailers));
    if (this.#isRequestEnded) return;
    // The rest of its body may still be for the application; its record does not wait for that.
    exchange.finish();
    if (this.#isBlocked) this.#giveUpBody();
  }

  #over(): void {
    this.#isOver = true;
    this.#client = null;
  }

  onDrain(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#to.stream.resumeBody();
  }

  onError(error: UpstreamError): void {
    if (this.#isOver) return;
    if (this.#mayRetry(error)) {
      this.#isRetried = true;
      this.#send(true);
      return;
    }
    const { exchange, stream } = this.#to;
    // Clients of HTTP/2 send what was refused before it was looked at once more, by themselves.
    const isRefused = error.code === refusedStream && stream.request.version === "2";
    if (!this.#isHeadSent && !isRefused) {
      this.#giveUp(reasons[error.kind], error.message);
      return;
    }
    // The client must see that the answer is not whole.
    this.#over();
    exchange.aborted = "app";
    exchange.reason = "app_failed";
    exchange.detail = error.message;
    stream.abort(error.code ?? undefined);
  }

  /**
   * A connection that the application closed while it was idle looks alive until it is used. Then
   * a request that may be repeated is repeated, once (RFC 9110, 9.2.2; RFC 9112, 9.3.1).
   */
  #mayRetry({ isConnectionLoss }: UpstreamError): boolean {
    const isRepeatable = !this.#hasBody && idempotent.has(this.#to.head.method);
    return isConnectionLoss && isRepeatable && !this.#isRetried && !this.#isHeadSent;
  }

  onSwitch(head: ResponseHead, app: Switched): void {
    const { exchange, stream, verdict, onUnspliced } = this.#to;
    let client: Switched | null = null;
    try {
      const headers = buildSwitchHeaders(head.rawHeaders, verdict.responseHeaders);
      if (!this.#isOver) client = stream.switchProtocols(headers);
    } catch (error) {
      this.#giveUpAnswer(error);
    }
    if (client === null) {
      app.stream.reset();
      return;
    }
    this.#over();
    this.#isHeadSent = true;
    exchange.status = head.status;
    exchange.upgraded = true;
    this.#spliced = { client, app };
    splice(client, app, onUnspliced);
    exchange.finish();
  }
}
