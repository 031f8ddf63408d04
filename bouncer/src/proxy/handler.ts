/**
 * What happens to a request, in order; the only place where the order is written: read the head,
 * check it, read the start of the body if the policy wants it, decide, forward or refuse, report.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CommitDecision } from "../audit/audit.ts";
import type { Route } from "../config.ts";
import type { Decision, Endpoint, Header, Policy, RequestHead } from "../policy/decision.ts";
import type { SpanContext } from "../telemetry/trace-context.ts";
import { type BodyStart, discardBody, readStart } from "./body.ts";
import { type Enforcement, findPassage, verdictOf } from "./degraded.ts";
import { Exchange, type Report } from "./exchange.ts";
import { type Allowed, forward } from "./forward.ts";
import { type CheckedHead, checkHead } from "./head.ts";
import { isLoopback, localOf, peerOf } from "./peer.ts";
import { recordFirst } from "./record.ts";
import { createRefusal, formatRefusal, type Refusal, writeRefusal } from "./refusal.ts";
import type { Upstream } from "./upstream.ts";

export interface HandlerDeps {
  readonly policy: Policy;
  readonly report: Report;
  /** null: nothing waits for its record. */
  readonly commit: CommitDecision | null;
  readonly enforcement: Enforcement;
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
  /** A request that could not even be read; `answer` gets what to tell the client. */
  reject(rejected: Rejected, answer: (text: string) => void): void;
}

export interface Rejected {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly refusal: Refusal;
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
    reject: ({ source, destination, refusal }, answer) => {
      const exchange = new Exchange(source, destination, deps.report);
      recordFirst({ exchange, refusal, commit: deps.commit }, (unrecorded) => {
        const told = unrecorded ?? refusal;
        exchange.reason = told.reason;
        exchange.detail = told.detail;
        exchange.status = told.status;
        exchange.finish();
        answer(formatRefusal(told, exchange.id));
      });
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
  /** Forwarded or refused, if only as soon as that is recorded. */
  #isSettled = false;
  /** What the bouncer tells the application on its own account. */
  #ownHeaders: readonly Header[] = [];

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
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#refuse(createRefusal("internal", error instanceof Error ? error.message : "unknown"));
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
    if (inFlight.count > deps.maxInFlight) this.#shed(checked);
    else this.#readBody(checked);
  }

  /** Degraded routes have as much again, and no more: memory has an end for them, too. */
  #shed(checked: CheckedHead): void {
    const { deps, inFlight } = this.#around;
    const refusal = createRefusal("overload", `more than ${deps.maxInFlight} requests in flight`);
    if (inFlight.count > 2 * deps.maxInFlight) this.#refuse(refusal);
    else this.#refuseOrPass(refusal, checked, null);
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
    if (start === null || this.#isSettled) return;
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
    this.#trace(checked);
    const decision = this.#around.deps.policy.decide(checked.head, start);
    if (decision instanceof Promise) {
      this.#decideLater(decision, checked, start).catch((error: unknown) => {
        this.#fail(error);
      });
    } else this.#act(decision, checked, start);
  }

  async #decideLater(
    deciding: Promise<Decision>,
    checked: CheckedHead,
    start: BodyStart | null,
  ): Promise<void> {
    const decision = await deciding;
    this.#guard(() => {
      // Whoever asked may have gone meanwhile: there is nobody left to answer, or to speak for.
      if (this.#response.closed || this.#request.socket.destroyed)
        this.#exchange.decision = decision;
      else this.#act(decision, checked, start);
    });
  }

  #act(decision: Decision, checked: CheckedHead, start: BodyStart | null): void {
    this.#exchange.decision = decision;
    const { verdict } = decision;
    if (verdict.kind === "deny") this.#refuseOrPass(verdict, checked, start);
    else this.#allow(checked, verdict, start);
  }

  #trace({ head }: CheckedHead): void {
    const traced = this.#around.deps.trace(head);
    this.#exchange.span = traced?.span ?? null;
    this.#ownHeaders = traced?.headers ?? [];
  }

  #refuseOrPass(refusal: Refusal, checked: CheckedHead, start: BodyStart | null): void {
    const passage = findPassage(refusal, checked.head, this.#around.deps.enforcement);
    if (passage === null) {
      this.#refuse(refusal);
      return;
    }
    this.#exchange.passage = passage;
    if (this.#exchange.decision === null) this.#trace(checked);
    this.#allow(checked, verdictOf(passage), start);
  }

  #allow(checked: CheckedHead, verdict: Allowed, start: BodyStart | null): void {
    this.#isSettled = true;
    this.#record(null, (unrecorded) => {
      this.#guard(() => {
        if (unrecorded === null) this.#forward(checked, verdict, start);
        else this.#send(unrecorded);
      });
    });
  }

  #record(refusal: Refusal | null, next: (unrecorded: Refusal | null) => void): void {
    recordFirst({ exchange: this.#exchange, refusal, commit: this.#around.deps.commit }, next);
  }

  #forward(
    { head, hasBody, upgrade }: CheckedHead,
    verdict: Allowed,
    start: BodyStart | null,
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
      ownHeaders: this.#ownHeaders,
    });
  }

  #refuse(refusal: Refusal): void {
    this.#isSettled = true;
    this.#record(refusal, (unrecorded) => {
      this.#send(unrecorded ?? refusal);
    });
  }

  #send(refusal: Refusal): void {
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
