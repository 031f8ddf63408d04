/**
 * What happens to a request, in order; the only place where the order is written: check the head,
 * read the start of the body if the policy wants it, decide, forward or refuse, report.
 */
import type { RawHeaders, ServerStream, ServerStreamListener } from "../http/message.ts";
import type { Decision, Header } from "../policy/decision.ts";
import { BodyAhead, type BodyStart } from "./body.ts";
import { findPassage, verdictOf } from "./degraded.ts";
import { Exchange } from "./exchange.ts";
import { type Allowed, Forwarding } from "./forward.ts";
import type { HandlerAround } from "./handler.ts";
import { type CheckedHead, checkHead } from "./head.ts";
import type { UnderWay } from "./in-flight.ts";
import { recordFirst } from "./record.ts";
import { buildRefusal, createRefusal, type Refusal } from "./refusal.ts";

const noHeaders: readonly Header[] = [];

export class RequestSteps implements ServerStreamListener, UnderWay {
  place = -1;
  readonly #stream: ServerStream;
  readonly #around: HandlerAround;
  readonly #exchange: Exchange;
  #checked: CheckedHead | null = null;
  #ahead: BodyAhead | null = null;
  /** On `performance`'s clock: when the body that is read ahead has to be here. */
  #aheadUntil: number | null = null;
  #start: BodyStart | null = null;
  #forwarding: Forwarding | null = null;
  /** Forwarded or refused, if only as soon as that is recorded. */
  #isSettled = false;
  #isClosed = false;
  /** Another policy decides since it was decided on, or while it is. */
  #isStale = false;
  #isCut = false;
  /** What the bouncer tells the application on its own account. */
  #ownHeaders = noHeaders;

  constructor(stream: ServerStream, around: HandlerAround) {
    this.#stream = stream;
    this.#around = around;
    const { source, destination } = stream.connection;
    this.#exchange = new Exchange(source, destination, around.deps.report);
  }

  run(): void {
    this.#around.inFlight.add(this);
    this.#stream.attach(this);
    try {
      this.#checkHead();
    } catch (error) {
      this.#fail(error);
    }
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

  // What the client does.

  onData(chunk: Buffer): boolean {
    if (this.#forwarding !== null) return this.#forwarding.onBody(chunk);
    this.#ahead?.add(chunk);
    return this.#mayGoOn;
  }

  /** What is read ahead may be decided on, and forwarded, while it is read. */
  get #mayGoOn(): boolean {
    return this.#forwarding === null ? this.#ahead?.isDone !== true : !this.#forwarding.isBlocked;
  }

  onEnd(trailers: RawHeaders): void {
    if (this.#forwarding !== null) this.#forwarding.onBodyEnd(trailers);
    else this.#ahead?.end(trailers);
  }

  onDrain(): void {
    this.#forwarding?.onClientDrain();
  }

  onClose(outcome: "sent" | "aborted"): void {
    this.#isClosed = true;
    if (outcome === "aborted" && this.#exchange.reason === null) {
      this.#exchange.aborted ??= "client";
    }
    this.#forwarding?.onClientClose();
    this.#around.inFlight.delete(this);
    this.#exchange.finish();
  }

  // Time, and other policies.

  check(now: number): void {
    if (this.#aheadUntil !== null && now >= this.#aheadUntil) {
      this.#aheadUntil = null;
      if (!this.#isSettled) {
        this.#refuse(createRefusal("request_timeout", "the body did not arrive in time"));
      }
    }
    this.#forwarding?.check(now);
  }

  /** What is not answered yet may become a stream, or be one of a client that goes on sending. */
  onPolicyChange(): void {
    const { longLived } = this.#around.deps;
    if (longLived === "keep") return;
    if (this.#forwarding === null) this.#isStale = true;
    else if (longLived === "recheck" || !this.#forwarding.isHeadSent) void this.#recheck();
    else this.#cut("streams end with their policy", null);
  }

  /** A policy that fails lets nothing go on. */
  async #recheck(): Promise<void> {
    const { deps } = this.#around;
    const checked = this.#checked;
    if (checked === null) return;
    try {
      const decision = await deps.policy.decide(checked.head, this.#start);
      if (decision.verdict.kind === "allow") return;
      const passage = findPassage(decision.verdict, checked.head, deps.enforcement);
      if (passage === null) this.#cut("the new policy refuses it", decision);
    } catch (error) {
      const why = error instanceof Error ? error.message : "unknown";
      this.#cut(`the new policy could not be asked: ${why}`, null);
    }
  }

  /** Once, and not what has come to its end meanwhile. */
  #cut(detail: string, decision: Decision | null): void {
    if (this.#isCut || this.place === -1) return;
    this.#isCut = true;
    const exchange = this.#exchange;
    // What was upgraded has its record already; its end has one of its own.
    const cut = exchange.isOver ? this.#createSequel() : exchange;
    cut.decision = decision ?? cut.decision;
    this.#forwarding?.cut(cut, detail);
    if (cut === exchange || exchange.upgraded) cut.finish();
  }

  #createSequel(): Exchange {
    const { source, destination, head, upgraded } = this.#exchange;
    const sequel = new Exchange(source, destination, this.#around.deps.report);
    sequel.head = head;
    sequel.upgraded = upgraded;
    return sequel;
  }

  // The steps.

  #checkHead(): void {
    const { deps, inFlight } = this.#around;
    const { request, connection } = this.#stream;
    const trusted = deps.isTrusted(connection.source.address);
    const checked = checkHead({ request, connection, trusted, pseudonym: deps.pseudonym });
    if (checked.kind === "rejected") {
      this.#refuse(createRefusal(checked.reason, checked.detail));
      return;
    }
    this.#checked = checked;
    this.#exchange.head = checked.head;
    if (inFlight.total > deps.maxInFlight) this.#shed(checked);
    else this.#readBody(checked);
  }

  /** Degraded routes have as much again, and no more: memory has an end for them, too. */
  #shed(checked: CheckedHead): void {
    const { deps, inFlight } = this.#around;
    const refusal = createRefusal("overload", `more than ${deps.maxInFlight} requests in flight`);
    if (inFlight.total > 2 * deps.maxInFlight) this.#refuse(refusal);
    else this.#refuseOrPass(refusal, checked);
  }

  #readBody(checked: CheckedHead): void {
    const { deps } = this.#around;
    const { bodyBytes } = deps.policy.needs();
    if (bodyBytes === 0 || this.#stream.request.bodyLength === 0) {
      this.#decide(checked);
      return;
    }
    this.#aheadUntil = performance.now() + deps.bodyTimeoutMs;
    this.#ahead = new BodyAhead(bodyBytes, (start) => {
      this.#aheadUntil = null;
      if (this.#isSettled) return;
      this.#start = start;
      this.#guard(() => {
        this.#decide(checked);
      });
    });
    this.#stream.sendContinue();
    this.#stream.resumeBody();
  }

  #decide(checked: CheckedHead): void {
    this.#trace(checked);
    const decision = this.#around.deps.policy.decide(checked.head, this.#start);
    if (decision instanceof Promise) {
      this.#decideLater(decision, checked).catch((error: unknown) => {
        this.#fail(error);
      });
    } else this.#act(decision, checked);
  }

  async #decideLater(deciding: Promise<Decision>, checked: CheckedHead): Promise<void> {
    const decision = await deciding;
    this.#guard(() => {
      // Whoever asked may have gone meanwhile: there is nobody left to answer, or to speak for.
      if (this.#isClosed) this.#exchange.decision = decision;
      else this.#act(decision, checked);
    });
  }

  #act(decision: Decision, checked: CheckedHead): void {
    this.#exchange.decision = decision;
    const { verdict } = decision;
    if (verdict.kind === "deny") this.#refuseOrPass(verdict, checked);
    else this.#allow(checked, verdict);
  }

  #trace({ head }: CheckedHead): void {
    const traced = this.#around.deps.trace(head);
    if (traced === null) return;
    this.#exchange.span = traced.span;
    this.#ownHeaders = traced.headers;
  }

  #refuseOrPass(refusal: Refusal, checked: CheckedHead): void {
    const passage = findPassage(refusal, checked.head, this.#around.deps.enforcement);
    if (passage === null) {
      this.#refuse(refusal);
      return;
    }
    this.#exchange.passage = passage;
    if (this.#exchange.decision === null) this.#trace(checked);
    this.#allow(checked, verdictOf(passage));
  }

  #allow(checked: CheckedHead, verdict: Allowed): void {
    this.#isSettled = true;
    if (this.#around.deps.commit === null) {
      this.#forward(checked, verdict);
      return;
    }
    this.#record(null, (unrecorded) => {
      this.#guard(() => {
        if (unrecorded === null) this.#forward(checked, verdict);
        else this.#send(unrecorded);
      });
    });
  }

  #record(refusal: Refusal | null, next: (unrecorded: Refusal | null) => void): void {
    recordFirst({ exchange: this.#exchange, refusal, commit: this.#around.deps.commit }, next);
  }

  #forward({ head, memo, upgrade }: CheckedHead, verdict: Allowed): void {
    const { deps, inFlight, upstreamOf } = this.#around;
    const stream = this.#stream;
    this.#forwarding = new Forwarding({
      exchange: this.#exchange,
      stream,
      head,
      memo,
      verdict,
      start: this.#start,
      upgrade,
      upstream: upstreamOf(stream),
      timeoutMs: deps.targetTimeoutMs,
      date: deps.date,
      closing: deps.isDraining,
      refuse: (reason, detail) => {
        this.#refuse(createRefusal(reason, detail));
      },
      onUnspliced: () => {
        inFlight.delete(this);
      },
      ownHeaders: this.#ownHeaders,
    });
    this.#forwarding.begin(performance.now());
    if (this.#isStale) void this.#recheck();
  }

  #refuse(refusal: Refusal): void {
    this.#isSettled = true;
    // Its record is written, and nobody is there.
    if (this.#isClosed) return;
    if (this.#around.deps.commit === null) {
      this.#send(refusal);
      return;
    }
    this.#record(refusal, (unrecorded) => {
      this.#send(unrecorded ?? refusal);
    });
  }

  #send(refusal: Refusal): void {
    this.#exchange.reason = refusal.reason;
    this.#exchange.detail = refusal.detail;
    this.#exchange.status = refusal.status;
    if (!this.#tryToSend(refusal)) {
      // The policy's status or headers are not ones that HTTP can carry: still a refusal.
      const plain = createRefusal(refusal.reason, refusal.detail);
      this.#exchange.detail = "the refusal could not be written as the policy wants it";
      this.#exchange.status = plain.status;
      if (!this.#tryToSend(plain)) this.#stream.abort();
    }
    // What is left of its body is of no interest, and may take long.
    if (this.#stream.request.bodyLength !== 0) this.#exchange.finish();
    this.#stream.discardBody();
  }

  #tryToSend(refusal: Refusal): boolean {
    const isHead = this.#stream.request.method === "HEAD";
    let body;
    try {
      const built = buildRefusal(refusal, this.#exchange.id, this.#stream.request);
      const bodyLength = isHead ? 0 : built.head.bodyLength;
      const close = this.#around.deps.isDraining();
      this.#stream.sendHead({ ...built.head, bodyLength }, { close });
      body = built.body;
    } catch {
      return false;
    }
    this.#exchange.responseBytes = isHead ? 0 : body.length;
    if (!isHead) this.#stream.sendData(body);
    this.#stream.sendEnd([]);
    return true;
  }
}
