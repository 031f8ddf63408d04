/**
 * One connection on an opaque port, in order: read the name of the TLS server if the policy wants
 * it, decide, record, connect, carry bytes. What is refused is reset: in a protocol that nobody
 * here speaks, nothing can be answered.
 */
import type { Socket } from "node:net";
import type { Route } from "../config.ts";
import { resetSocket } from "../http/socket-stream.ts";
import type { Decision } from "../policy/decision.ts";
import { findPassage, type Passage } from "./degraded.ts";
import { Exchange } from "./exchange.ts";
import type { HandlerDeps } from "./handler.ts";
import type { InFlight, UnderWay } from "./in-flight.ts";
import { type StartLimits, type StartReading, watchStart } from "./opaque-start.ts";
import { localOf, peerOf } from "./peer.ts";
import { recordFirst } from "./record.ts";
import { follow, join } from "./pipe.ts";
import { openSocket, reasonOf } from "./app-socket.ts";

export interface OpaqueAround {
  readonly route: Route;
  readonly deps: Pick<
    HandlerDeps,
    "policy" | "report" | "commit" | "enforcement" | "maxInFlight" | "longLived"
  >;
  readonly inFlight: InFlight;
  readonly limits: StartLimits;
}

type Reason = Omit<Passage, "kind">;

export class OpaqueConnection implements UnderWay {
  place = -1;
  readonly #client: Socket;
  readonly #around: OpaqueAround;
  readonly #onOver: () => void;
  #exchange: Exchange;
  #app: Socket | null = null;
  /** What the client said first, as soon as it may go on. */
  #start: Buffer | null = null;
  #isDecided = false;
  #sni: string | null = null;
  #isConnecting = false;
  /** Another policy decides since it was decided on, or while it is. */
  #isStale = false;
  #isOver = false;

  /** `onOver`: both sides are closed. */
  constructor(client: Socket, around: OpaqueAround, onOver: () => void) {
    this.#client = client;
    this.#around = around;
    this.#onOver = onOver;
    this.#exchange = this.#createExchange();
    client.setNoDelay(true);
    client.setKeepAlive(true, 60_000);
    client.on("error", () => {
      this.#exchange.aborted ??= "client";
    });
    client.once("close", () => {
      this.#onClose();
    });
  }

  run(): void {
    const { deps, inFlight } = this.#around;
    inFlight.add(this);
    if (inFlight.total > deps.maxInFlight) {
      const detail = `more than ${deps.maxInFlight} requests in flight`;
      this.#refuse({ reason: "overload", detail });
    } else if (deps.policy.needs().sni) {
      this.#watch();
    } else {
      this.#decide(null, Buffer.alloc(0));
    }
  }

  /** Ends it for both sides, in a way that looks like no end. */
  cut(): void {
    resetSocket(this.#client);
    if (this.#app !== null) resetSocket(this.#app);
  }

  check(): void {
    // Its only time-out is of its start, and has a timer.
  }

  /** What carries nothing yet is asked about when it does. */
  onPolicyChange(): void {
    const { longLived } = this.#around.deps;
    if (longLived === "keep") return;
    if (this.#app === null) this.#isStale = true;
    else if (longLived === "recheck") void this.#recheck();
    else this.#cutFor("streams end with their policy");
  }

  /** A policy that fails lets nothing go on. */
  async #recheck(): Promise<void> {
    const { source, destination } = this.#exchange;
    const { policy, enforcement } = this.#around.deps;
    try {
      const { verdict } = await policy.decideConnection({ source, destination, sni: this.#sni });
      if (verdict.kind === "allow") return;
      const undegraded = { ...enforcement, degradedRoutes: [] };
      const passage = findPassage(verdict, { method: "", target: "" }, undegraded);
      if (passage === null) this.#cutFor("the new policy refuses it");
    } catch (error) {
      const why = error instanceof Error ? error.message : "unknown";
      this.#cutFor(`the new policy could not be asked: ${why}`);
    }
  }

  #cutFor(detail: string): void {
    if (this.#isOver) return;
    this.#exchange.reason = "policy_changed";
    this.#exchange.detail = detail;
    this.cut();
  }

  #createExchange(): Exchange {
    const { route, deps } = this.#around;
    const destination = { address: localOf(this.#client), port: route.target.port };
    const exchange = new Exchange(peerOf(this.#client), destination, deps.report);
    exchange.opaque = true;
    return exchange;
  }

  /**
   * Where the server speaks first, the client is silent until then: it is decided on without a
   * name, and what it says later is still read before it goes on. If that is a ClientHello, it is
   * decided on again: to be late must not be a way around the policy.
   */
  #watch(): void {
    watchStart(this.#client, this.#around.limits, {
      onSilence: () => {
        this.#decide(null, null);
      },
      onRead: (reading, bytes) => {
        this.#onStart(reading, bytes);
      },
    });
  }

  #onStart(reading: StartReading, bytes: Buffer): void {
    if (reading.kind === "other" && this.#isDecided) {
      this.#start = bytes;
      this.#carryUp();
      return;
    }
    if (this.#isDecided) {
      // One record for each decision.
      this.#exchange.finish();
      this.#exchange = this.#createExchange();
    }
    if (reading.kind === "refused") this.#refuse(reading);
    else this.#decide(reading.kind === "hello" ? reading.sni : null, bytes);
  }

  /** `start`: what may go on if the policy allows; null while nothing was read. */
  #decide(sni: string | null, start: Buffer | null): void {
    const { source, destination } = this.#exchange;
    this.#isDecided = true;
    this.#sni = sni;
    const decision = this.#around.deps.policy.decideConnection({ source, destination, sni });
    if (decision instanceof Promise) {
      const exchange = this.#exchange;
      this.#decideLater(decision, start).catch((error: unknown) => {
        if (this.#isOver || exchange !== this.#exchange) return;
        const detail = error instanceof Error ? error.message : "unknown";
        this.#refuse({ reason: "internal", detail });
      });
    } else this.#act(decision, start);
  }

  async #decideLater(deciding: Promise<Decision>, start: Buffer | null): Promise<void> {
    const exchange = this.#exchange;
    const decision = await deciding;
    // Its client has gone, or has said meanwhile whom it wants, and that is decided on.
    if (this.#isOver || exchange !== this.#exchange) return;
    if (this.#client.destroyed) this.#exchange.decision = decision;
    else this.#act(decision, start);
  }

  #act(decision: Decision, start: Buffer | null): void {
    this.#exchange.decision = decision;
    const { verdict } = decision;
    if (verdict.kind === "allow") this.#allow(start);
    else this.#refuseOrPass({ reason: verdict.reason, detail: verdict.detail }, start);
  }

  #refuseOrPass(reason: Reason, start: Buffer | null): void {
    // Degraded routes are those of requests.
    const enforcement = { ...this.#around.deps.enforcement, degradedRoutes: [] };
    const passage = findPassage(reason, { method: "", target: "" }, enforcement);
    this.#exchange.passage = passage;
    if (passage === null) this.#refuse(reason);
    else this.#allow(start);
  }

  #allow(start: Buffer | null): void {
    const recording = { exchange: this.#exchange, refusal: null, commit: this.#around.deps.commit };
    recordFirst(recording, (unrecorded) => {
      if (unrecorded !== null) {
        this.#refuse(unrecorded);
        return;
      }
      this.#start ??= start;
      if (this.#isConnecting) this.#carryUp();
      else this.#connect();
    });
  }

  #connect(): void {
    this.#isConnecting = true;
    openSocket(this.#around.route.target, (error, app) => {
      if (this.#isOver) {
        app?.destroy();
      } else if (error !== null) {
        this.#refuse({ reason: reasonOf(error), detail: error.message });
      } else {
        this.#onConnect(app);
      }
    });
  }

  #onConnect(app: Socket): void {
    this.#app = app;
    app.on("error", () => {
      this.#exchange.aborted ??= "app";
    });
    app.once("close", () => {
      this.#onClose();
    });
    join(app, this.#client);
    follow(this.#client, app);
    this.#carryUp();
    if (this.#isStale) void this.#recheck();
  }

  /** What the client says goes on as soon as all of what it depends on is there. */
  #carryUp(): void {
    if (this.#app === null || this.#start === null) return;
    if (this.#start.length > 0) this.#app.write(this.#start);
    this.#client.pipe(this.#app);
  }

  #refuse({ reason, detail }: Reason): void {
    const refusal = { reason, detail, status: null };
    const recording = { exchange: this.#exchange, refusal, commit: this.#around.deps.commit };
    recordFirst(recording, (unrecorded) => {
      const told = unrecorded ?? refusal;
      this.#exchange.reason = told.reason;
      this.#exchange.detail = told.detail;
      this.cut();
    });
  }

  #onClose(): void {
    if (this.#isOver || !this.#client.destroyed) return;
    if (this.#app !== null && !this.#app.destroyed) return;
    this.#isOver = true;
    this.#around.inFlight.delete(this);
    this.#exchange.requestBytes = this.#client.bytesRead;
    this.#exchange.responseBytes = this.#client.bytesWritten;
    this.#exchange.finish();
    this.#onOver();
  }
}
