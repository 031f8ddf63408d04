/**
 * What happens to a request, in order; the only place where the order is written: read the head,
 * check it, read the start of the body if the policy wants it, decide, forward or refuse, report.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Route } from "../config.ts";
import type { Endpoint, Header, Policy, RequestHead } from "../policy/decision.ts";
import type { SpanContext } from "../telemetry/trace-context.ts";
import { type BodyStart, discardBody, readStart } from "./body.ts";
import { Exchange, type Report } from "./exchange.ts";
import { type Allowed, forward } from "./forward.ts";
import { type CheckedHead, checkHead } from "./head.ts";
import { isLoopback, localOf, peerOf } from "./peer.ts";
import { createRefusal, formatRefusal, type Refusal, writeRefusal } from "./refusal.ts";
import type { Upstream } from "./upstream.ts";

export interface HandlerDeps {
  readonly policy: Policy;
  readonly report: Report;
  readonly isTrusted: (address: string) => boolean;
  /** Answers an admin request that came in on a port of the application; false: it was none. */
  readonly admin: (request: IncomingMessage, response: ServerResponse, local: boolean) => boolean;
  /** A span and the headers that carry it on; null when there are no traces. */
  readonly trace: (head: RequestHead) => { span: SpanContext; headers: readonly Header[] } | null;
  readonly isDraining: () => boolean;
  readonly targetTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly maxInFlight: number;
}

export interface Handler {
  /** `bytes`: what came behind the head of a request to switch protocols, else null. */
  handle(request: IncomingMessage, response: ServerResponse, bytes: Buffer | null): void;
  /** A request that could not even be read; returns what to tell the client. */
  reject(source: Endpoint, destination: Endpoint, refusal: Refusal): string;
}

export interface InFlight {
  count: number;
}

/** One for each listener; `inFlight` counts over all of them. */
export function createHandler(
  route: Route,
  upstream: Upstream,
  deps: HandlerDeps,
  inFlight: InFlight,
): Handler {
  return {
    handle: (request, response, bytes) => {
      if (deps.admin(request, response, isLoopback(request.socket))) return;
      const steps = new Steps(request, response, bytes, { route, upstream, deps, inFlight });
      steps.run();
    },
    reject: (source, destination, refusal) => {
      const exchange = new Exchange(source, destination, deps.report);
      exchange.reason = refusal.reason;
      exchange.detail = refusal.detail;
      exchange.status = refusal.status;
      exchange.finish();
      return formatRefusal(refusal, exchange.id);
    },
  };
}

interface Around {
  readonly route: Route;
  readonly upstream: Upstream;
  readonly deps: HandlerDeps;
  readonly inFlight: InFlight;
}

class Steps {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #bytes: Buffer | null;
  readonly #around: Around;
  readonly #exchange: Exchange;
  /** The client waits for 100 before it sends the body, and has not been told yet. */
  #awaitsContinue = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Buffer | null,
    around: Around,
  ) {
    this.#request = request;
    this.#response = response;
    this.#bytes = bytes;
    this.#around = around;
    const { socket } = request;
    const destination = { address: localOf(socket), port: around.route.target.port };
    this.#exchange = new Exchange(peerOf(socket), destination, around.deps.report);
  }

  run(): void {
    const { inFlight } = this.#around;
    inFlight.count += 1;
    this.#response.once("close", () => {
      this.#onClose();
    });
    const end = this.#bytes === null ? this.#response : this.#request.socket;
    end.once("close", () => {
      inFlight.count -= 1;
    });
    this.#guard(() => {
      this.#checkHead();
    });
  }

  /** A bug here must cost this one request, and must not let it through. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#refuse(createRefusal("internal", error instanceof Error ? error.message : "unknown"));
    }
  }

  #onClose(): void {
    if (!this.#response.writableFinished) this.#exchange.aborted ??= "client";
    // An application may answer before it has read everything.
    else if (this.#exchange.reason === null) discardBody(this.#request);
    this.#exchange.finish();
  }

  #checkHead(): void {
    const { method = "", url = "", httpVersion, rawHeaders, headers } = this.#request;
    const { deps, inFlight } = this.#around;
    const { source, destination } = this.#exchange;
    const checked = checkHead({
      method,
      target: url,
      version: httpVersion,
      rawHeaders,
      source,
      destination,
      trusted: deps.isTrusted(source.address),
    });
    this.#awaitsContinue = headers.expect !== undefined && httpVersion === "1.1";
    if (checked.kind === "rejected") {
      this.#refuse(createRefusal(checked.reason, checked.detail));
      return;
    }
    this.#exchange.head = checked.head;
    if (inFlight.count > deps.maxInFlight) {
      this.#refuse(createRefusal("overload", `more than ${deps.maxInFlight} requests in flight`));
      return;
    }
    this.#readBody(checked);
  }

  #readBody(checked: CheckedHead): void {
    const { deps } = this.#around;
    const { bodyBytes } = deps.policy.needs();
    if (bodyBytes === 0 || !checked.hasBody) {
      this.#decide(checked, null);
      return;
    }
    this.#continue();
    const timer = setTimeout(() => {
      this.#refuse(createRefusal("request_timeout", "the body did not arrive in time"));
    }, deps.bodyTimeoutMs);
    void this.#readStart(checked, bodyBytes, timer);
  }

  async #readStart(checked: CheckedHead, bytes: number, timer: NodeJS.Timeout): Promise<void> {
    const start = await readStart(this.#request, bytes);
    clearTimeout(timer);
    if (start === null || this.#response.writableEnded) return;
    this.#guard(() => {
      this.#decide(checked, start);
    });
  }

  #continue(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.#response.writeContinue();
  }

  #decide(checked: CheckedHead, start: BodyStart | null): void {
    const { deps } = this.#around;
    const traced = deps.trace(checked.head);
    this.#exchange.span = traced?.span ?? null;
    const decision = deps.policy.decide(checked.head, start);
    this.#exchange.decision = decision;
    const { verdict } = decision;
    if (verdict.kind === "deny") this.#refuse(verdict);
    else this.#forward(checked, verdict, start, traced?.headers ?? []);
  }

  #forward(
    { head, hasBody, upgrade }: CheckedHead,
    verdict: Allowed,
    start: BodyStart | null,
    ownHeaders: readonly Header[],
  ): void {
    const { deps, upstream } = this.#around;
    if (hasBody) this.#continue();
    forward({
      exchange: this.#exchange,
      request: this.#request,
      response: this.#response,
      head,
      verdict,
      hasBody,
      start,
      upgrade:
        this.#bytes === null || upgrade === null ? null : { protocol: upgrade, bytes: this.#bytes },
      upstream,
      timeoutMs: deps.targetTimeoutMs,
      closing: deps.isDraining,
      refuse: (reason, detail) => {
        this.#refuse(createRefusal(reason, detail));
      },
      ownHeaders,
    });
  }

  #refuse(refusal: Refusal): void {
    const response = this.#response;
    this.#exchange.reason = refusal.reason;
    this.#exchange.detail = refusal.detail;
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // After an unanswered Expect nobody can tell whether the body is still to come.
    const close = this.#around.deps.isDraining() || this.#awaitsContinue || this.#bytes !== null;
    this.#exchange.status = refusal.status;
    this.#exchange.responseBytes = this.#write(refusal, close);
    // Before node does it, which would read without end.
    discardBody(this.#request);
  }

  #write(refusal: Refusal, close: boolean): number {
    try {
      return writeRefusal(this.#response, refusal, this.#exchange.id, close);
    } catch (error) {
      // The policy's status or headers are not ones that HTTP can carry: still a refusal.
      const detail = error instanceof Error ? error.message : "unknown";
      this.#exchange.detail = `the refusal could not be written as the policy wants it: ${detail}`;
      const plain = createRefusal(refusal.reason, detail);
      this.#exchange.status = plain.status;
      return writeRefusal(this.#response, plain, this.#exchange.id, close);
    }
  }
}
