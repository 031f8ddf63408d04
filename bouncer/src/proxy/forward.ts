/**
 * One allowed request on its way to the application and the answer on its way back: streamed in
 * both directions with back-pressure, ended for both sides when one ends it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RefusalReason } from "../errors.ts";
import type { Header, RequestHead, Verdict } from "../policy/decision.ts";
import { ForwardedBody, type BodyStart } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import {
  applyRequestHeaders,
  buildResponseHeaders,
  buildSwitchHeaders,
  buildTrailers,
  withoutUpgrade,
} from "./headers.ts";
import { splice } from "./splice.ts";
import { editQuery } from "./target.ts";
import { type Dispatcher, isConnectionLoss, reasonOf, type Upstream } from "./upstream.ts";

export type Allowed = Extract<Verdict, { kind: "allow" }>;

export interface Forward {
  readonly exchange: Exchange;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: RequestHead;
  readonly verdict: Allowed;
  readonly hasBody: boolean;
  /** What was read ahead of the body. */
  readonly start: BodyStart | null;
  /** The protocol to switch to, and the bytes that came after the head. */
  readonly upgrade: { readonly protocol: string; readonly bytes: Buffer } | null;
  readonly upstream: Upstream;
  /** 0: no limit. */
  readonly timeoutMs: number;
  /** The client is to open a new connection for its next request. */
  readonly closing: () => boolean;
  /** Answers instead of the application, unless an answer has begun. */
  readonly refuse: (reason: RefusalReason, detail: string) => void;
  /** Headers that the bouncer adds on its own account, such as traceparent. */
  readonly ownHeaders: readonly Header[];
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export function forward(options: Forward): void {
  new Forwarding(options).start();
}

/** undici hands over raw headers as bytes; latin1 keeps every byte (RFC 9110, 5.5). */
function textOf(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  const items: readonly (Buffer | string)[] = Array.isArray(raw) ? raw : [];
  return items.map((item) => (typeof item === "string" ? item : item.toString("latin1")));
}

class Forwarding implements Dispatcher.DispatchHandler {
  readonly #to: Forward;
  readonly #body: ForwardedBody | null;
  readonly #request: Dispatcher.DispatchOptions;
  #controller: Dispatcher.DispatchController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;
  #retried = false;
  /** The client has its answer, or is gone: whatever the upstream still says is for nobody. */
  #over = false;

  constructor(options: Forward) {
    this.#to = options;
    const { head, verdict, hasBody, request, start, upgrade } = options;
    const count = (bytes: number): void => {
      options.exchange.requestBytes += bytes;
    };
    this.#body = hasBody ? new ForwardedBody(request, start, count) : null;
    const headers = applyRequestHeaders(
      head.rawHeaders,
      [...options.ownHeaders, ...verdict.requestHeaders],
      verdict.requestHeadersToRemove,
    );
    this.#request = {
      method: head.method,
      path: editQuery(head.target, verdict.queryParametersToRemove, verdict.queryParametersToSet),
      headers: withoutUpgrade(headers),
      body: this.#body,
      upgrade: upgrade?.protocol ?? null,
    };
  }

  start(): void {
    const { response, timeoutMs, upstream } = this.#to;
    response.once("close", () => {
      this.#onClientClose();
    });
    if (timeoutMs > 0) {
      this.#timer = setTimeout(() => {
        this.#onTimeout();
      }, timeoutMs);
    }
    upstream.dispatch(this.#request, this);
  }

  /** The clock runs while the application is waited for, not while it is being sent to. */
  #onTimeout(): void {
    if (this.#body !== null && this.#body.starving && !this.#body.readableEnded) {
      this.#giveUp("request_timeout", "the body stopped coming");
    } else {
      this.#giveUp("app_timeout", `no response within ${this.#to.timeoutMs} ms`);
    }
  }

  #giveUp(reason: RefusalReason, detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopTimer();
    this.#to.refuse(reason, detail);
    this.#controller?.abort(new Error(detail));
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #onClientClose(): void {
    this.#stopTimer();
    const { response } = this.#to;
    if (!response.writableFinished) this.#controller?.abort(new Error("client went away"));
    this.#over = true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while the connection was being made.
    if (this.#over) controller.abort(new Error("nobody waits for the answer"));
  }

  onBodySent(): void {
    this.#timer?.refresh();
  }

  onRequestSent(): void {
    this.#timer?.refresh();
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    message?: string,
  ): void {
    const { exchange, response, verdict, closing } = this.#to;
    const raw = textOf(controller.rawHeaders);
    if (status < 200) {
      this.#inform(status, raw);
      return;
    }
    this.#stopTimer();
    if (this.#over) return;
    exchange.status = status;
    // What follows a declined upgrade is of no protocol that both sides agreed to.
    const close = closing() || this.#to.upgrade !== null;
    const headers = buildResponseHeaders(raw, verdict.responseHeaders, close);
    response.writeHead(status, message ?? "", headers);
    // A head without a body yet goes out at once; one with a body goes out together with it.
    process.nextTick(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  /** 103 Early Hints and the like; 1.0 has none (RFC 9110, 15.2). */
  #inform(status: number, raw: readonly string[]): void {
    const { request, response } = this.#to;
    if (this.#over || request.httpVersion !== "1.1" || response.headersSent) return;
    response.writeInformation(status, buildResponseHeaders(raw, [], false));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { exchange, response } = this.#to;
    if (this.#over) return;
    exchange.responseBytes += chunk.length;
    if (response.write(chunk)) return;
    controller.pause();
    response.once("drain", () => {
      controller.resume();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#stopTimer();
    if (this.#over) return;
    const { response } = this.#to;
    const trailers = buildTrailers(textOf(controller.rawTrailers));
    if (trailers.length > 0) response.addTrailers(trailers);
    response.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over) return;
    const { exchange, response, upstream } = this.#to;
    if (this.#mayRetry(error)) {
      this.#retried = true;
      upstream.dispatchFresh(this.#request, this);
      return;
    }
    if (response.headersSent) {
      // The client must see that the answer is not whole.
      this.#over = true;
      exchange.aborted = "app";
      exchange.reason = "app_failed";
      exchange.detail = error.message;
      response.destroy();
      return;
    }
    this.#giveUp(reasonOf(error), error.message);
  }

  /**
   * A connection that the application closed while it was idle looks alive until it is used. Then
   * a request that may be repeated is repeated, once (RFC 9110, 9.2.2; RFC 9112, 9.3.1).
   */
  #mayRetry(error: Error): boolean {
    const { head, response } = this.#to;
    return (
      !this.#retried &&
      !this.#answered &&
      this.#body === null &&
      idempotent.has(head.method) &&
      !response.headersSent &&
      isConnectionLoss(error)
    );
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    this.#stopTimer();
    const { exchange, response, upgrade, verdict } = this.#to;
    const client: Socket | null = response.socket;
    if (client === null || upgrade === null || this.#over) {
      socket.destroy();
      return;
    }
    this.#over = true;
    exchange.status = status;
    exchange.upgraded = true;
    const headers = buildSwitchHeaders(textOf(controller.rawHeaders), verdict.responseHeaders);
    response.detachSocket(client);
    splice({ client, app: socket, headers, bytes: upgrade.bytes });
    exchange.finish();
  }
}
