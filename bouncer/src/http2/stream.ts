/**
 * One stream of HTTP/2 (RFC 9113, 5), of either end: what is the same for requests and answers, for
 * clients and servers. Sends within the windows, and lets its peer send as what came is taken.
 */
import type { RawHeaders } from "../http/message.ts";
import { errorCodes } from "./error-code.ts";
import { HeldBytes, isUnderPressure } from "./held-bytes.ts";
import type { Outbox, Sender } from "./outbox.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { maxWindowSize } from "./settings.ts";

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly outbox: Outbox;
  /** What the peer takes of a new stream. */
  readonly sendWindow: number;
  /** What we take of a new stream. */
  readonly receiveWindow: number;
  /** The same of one whose reader keeps up. */
  readonly maxReceiveWindow: number;
  sendHeaders(stream: Stream, fields: RawHeaders, endStream: boolean): void;
  /** Bytes that wait for whoever reads them, more or (below 0) fewer. */
  onQueued(bytes: number): void;
  /** Both sides have ended: nothing more comes or goes. */
  onStreamOver(stream: Stream): void;
  /** Ends it with RST_STREAM. */
  resetStream(stream: Stream, code: number): void;
  /** The same, for a fault of the peer (RFC 9113, 5.4.2). */
  breakOff(stream: Stream, code: number, detail: string): void;
  /** DATA had to be cut into pieces that are too small to be worth it. */
  onTinyData(): void;
}

/** Why a stream ended before its time. */
export interface Loss {
  /** What the peer has reset it with; null: it has not. */
  readonly code: number | null;
  readonly detail: string;
  /** Not of this stream alone. */
  readonly isConnectionLoss: boolean;
}

/** Pieces smaller than this are no way to send a body. */
const tinyBytes = 64;

const pieceBytes = 16 * 1024;

const nothing: RawHeaders = [];

/** As `begun` until its END_STREAM is written; `ending`: that waits for what is before it. */
type Sending = "begun" | "ending" | "ended";

export abstract class Stream implements Sender {
  protected host: StreamHost;
  #id = 0;
  /** Not on the wire any more: neither side sends anything. */
  protected isOver = false;
  // Sending.
  #sending: Sending = "begun";
  #sendWindow = 0;
  #pending: HeldBytes | null = null;
  #trailersToSend: RawHeaders = nothing;
  #isWaiting = false;
  #wantsDrain = false;
  #blockedAt = 0;
  // Receiving.
  protected hasRemoteEnded = false;
  /** What content-length says, until it is known to be right; null: it says nothing. */
  protected expectedBytes: number | null = null;
  #receivedBytes = 0;
  #window: ReceiveWindow | null = null;
  #queue: HeldBytes[] | null = null;
  #trailers: RawHeaders = nothing;
  #isFlowing: boolean;
  #isDelivering = false;
  #isEndTold = false;
  #isDiscarding = false;
  /** Handed over to somebody who had enough then: taken when more is asked for. */
  #held = 0;
  #lastHeld: HeldBytes | null = null;
  #wasPaused = false;

  constructor(host: StreamHost, isFlowing: boolean) {
    this.host = host;
    this.#isFlowing = isFlowing;
  }

  /** 0: it has not begun. */
  get id(): number {
    return this.#id;
  }

  /** From here on it is on the wire; what was to be sent before has waited. */
  protected enter(id: number, host: StreamHost): void {
    this.#id = id;
    this.host = host;
    this.#sendWindow = host.sendWindow;
  }

  /** Goes on with what has waited for the beginning. */
  protected startSending(): void {
    if (this.#pending !== null || this.#wantsDrain) {
      this.#wait();
      this.host.outbox.pump();
    } else if (this.#sending === "ending") this.#writeEnd();
  }

  /** False: the listener has enough. */
  protected abstract emitData(chunk: Buffer): boolean;
  protected abstract emitEnd(trailers: RawHeaders): void;
  protected abstract emitDrain(): void;
  /** END_STREAM was written. */
  protected abstract onLocalEnd(): void;
  /** What came is not what was announced: the message is malformed (RFC 9113, 8.1.1). */
  abstract onMalformed(detail: string): void;
  /** The connection is gone, the peer has reset the stream, or has broken a rule with it. */
  abstract onLost(loss: Loss): void;

  get hasLocalEnded(): boolean {
    return this.#sending === "ended";
  }

  /** The whole body came and was handed over, or nobody wants it. */
  protected get isBodyOver(): boolean {
    return this.#isDiscarding || (this.hasRemoteEnded && this.#queue === null);
  }

  // --- Sending ---

  protected send(chunk: Buffer): boolean {
    if (this.isOver || this.#sending !== "begun" || chunk.length === 0) return true;
    const { outbox } = this.host;
    if (this.#pending !== null) {
      this.#pending.add(chunk);
      return false;
    }
    // Before it has begun, it has no window.
    const count = Math.min(chunk.length, this.#sendWindow, outbox.credit);
    if (count === chunk.length) {
      this.#write(chunk, false);
      if (outbox.credit > 0) return true;
    } else if (count > 0) {
      this.#write(chunk.subarray(0, count), false);
      this.#pending = new HeldBytes(chunk.subarray(count));
    } else this.#pending = new HeldBytes(chunk);
    this.#wantsDrain = true;
    this.#wait();
    return false;
  }

  protected sendLast(trailers: RawHeaders): void {
    if (this.isOver || this.#sending !== "begun") return;
    this.#trailersToSend = trailers;
    this.#sending = "ending";
    if (this.#pending === null && this.#id > 0) this.#writeEnd();
  }

  /** The head said it already: there is nothing else. */
  protected markLocalEnd(): void {
    this.#sending = "ended";
    this.onLocalEnd();
  }

  #write(chunk: Buffer, endStream: boolean): void {
    this.#sendWindow -= chunk.length;
    this.#blockedAt = 0;
    this.host.outbox.data(this.id, chunk, endStream);
  }

  #writeEnd(): void {
    const trailers = this.#trailersToSend;
    if (trailers.length === 0) this.host.outbox.end(this.id);
    else this.host.sendHeaders(this, trailers, true);
    this.markLocalEnd();
  }

  #wait(): void {
    if (this.#isWaiting || this.#id === 0 || (this.#pending !== null && this.#sendWindow <= 0))
      return;
    this.#isWaiting = true;
    this.host.outbox.wait(this);
  }

  pump(): boolean {
    if (this.isOver) return false;
    const pending = this.#pending;
    if (pending !== null && !this.#pumpPending(pending)) return this.#isWaiting;
    this.#isWaiting = false;
    if (this.#sending === "ending") this.#writeEnd();
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.emitDrain();
    }
    return false;
  }

  /** True: all of it is written. */
  #pumpPending(pending: HeldBytes): boolean {
    const { outbox } = this.host;
    const { bytes } = pending;
    const count = Math.min(bytes.length, this.#sendWindow, outbox.credit, pieceBytes);
    if (count > 0) {
      const isAll = count === bytes.length;
      const isEnd = isAll && this.#sending === "ending" && this.#trailersToSend.length === 0;
      if (!isAll && count < tinyBytes) this.host.onTinyData();
      if (this.isOver) return false;
      this.#write(bytes.subarray(0, count), isEnd);
      if (isAll) this.#dropPending();
      else pending.cut(count);
      if (isEnd) this.markLocalEnd();
      if (isAll) return true;
    }
    this.#isWaiting = this.#sendWindow > 0;
    return false;
  }

  /** By WINDOW_UPDATE, or because the peer changed its settings (RFC 9113, 6.9.2). False: too large. */
  openSendWindow(bytes: number): boolean {
    this.#sendWindow += bytes;
    if (this.#sendWindow > maxWindowSize) return false;
    if (this.#pending !== null && this.#sendWindow > 0) this.#wait();
    return true;
  }

  /** Since when the peer has not let us go on; null: it lets us, or there is nothing to send. */
  blockedSince(now: number): number | null {
    if (this.#pending === null) return null;
    if (this.#blockedAt === 0) this.#blockedAt = now;
    return this.#blockedAt;
  }

  // --- Receiving ---

  receiveData(bytes: Buffer, endStream: boolean, flowControlled: number): void {
    if (this.hasRemoteEnded) {
      this.host.breakOff(this, errorCodes.STREAM_CLOSED, "DATA after the end of the stream");
      return;
    }
    this.#window ??= new ReceiveWindow(this.host.receiveWindow);
    if (!this.#window.receive(flowControlled)) {
      this.host.breakOff(this, errorCodes.FLOW_CONTROL_ERROR, "more DATA than the window allows");
      return;
    }
    this.#receivedBytes += bytes.length;
    const expected = this.expectedBytes;
    const count = this.#receivedBytes;
    if (expected !== null && (count > expected || (endStream && count < expected))) {
      this.onMalformed(`content-length is ${expected}, but there are ${count} bytes`);
      return;
    }
    this.#take(flowControlled - bytes.length);
    this.#accept(bytes);
    if (endStream && !this.isOver) this.receiveEnd(nothing);
  }

  #accept(bytes: Buffer): void {
    if (bytes.length === 0 || this.#isDiscarding) return;
    if (this.#isFlowing && this.#queue === null && !this.#isDelivering) {
      this.#hand(bytes);
      return;
    }
    const held = new HeldBytes(bytes);
    if (this.#queue === null) this.#queue = [held];
    else this.#queue.push(held);
    this.host.onQueued(bytes.length);
  }

  #hand(bytes: Buffer): void {
    this.#isDelivering = true;
    if (this.emitData(bytes)) this.#take(bytes.length);
    else {
      this.#isFlowing = false;
      this.#wasPaused = true;
      this.#held += bytes.length;
    }
    this.#isDelivering = false;
  }

  /** END_STREAM, of DATA or of trailers. */
  receiveEnd(trailers: RawHeaders): void {
    const expected = this.expectedBytes;
    if (expected !== null && this.#receivedBytes < expected) {
      this.onMalformed(`content-length is ${expected}, but there are ${this.#receivedBytes} bytes`);
      return;
    }
    this.#trailers = trailers;
    this.hasRemoteEnded = true;
    if (this.hasLocalEnded) this.host.onStreamOver(this);
    this.#deliver();
  }

  /** What waits, for as long as it is wanted. */
  #deliver(): void {
    if (this.#isDelivering) return;
    while (this.#isFlowing && this.#queue !== null) {
      const held = this.#queue.shift();
      if (this.#queue.length === 0) this.#queue = null;
      if (held === undefined) break;
      this.host.onQueued(-held.bytes.length);
      this.#hand(held.bytes);
      if (this.#isFlowing) held.free();
      else {
        held.release();
        this.#lastHeld = held;
      }
    }
    if (!this.#isFlowing || !this.hasRemoteEnded || this.#isEndTold || this.#isDiscarding) return;
    this.#isEndTold = true;
    this.emitEnd(this.#trailers);
  }

  protected startFlow(): void {
    if (this.#isFlowing || this.#isDiscarding) return;
    this.#isFlowing = true;
    const held = this.#held;
    this.#held = 0;
    this.#lastHeld?.free();
    this.#lastHeld = null;
    if (held > 0) this.#take(held);
    this.#deliver();
  }

  protected stopFlow(): void {
    this.#isFlowing = false;
    this.#wasPaused = true;
  }

  /** What comes is dropped, and no more is asked for than the peer may send already. */
  protected discard(): void {
    this.#isDiscarding = true;
    this.dropQueue();
  }

  protected dropQueue(): void {
    const queue = this.#queue;
    this.#queue = null;
    if (queue === null) return;
    let bytes = 0;
    for (const held of queue) {
      bytes += held.bytes.length;
      held.free();
    }
    this.host.onQueued(-bytes);
  }

  #take(bytes: number): void {
    const window = this.#window;
    if (bytes === 0 || window === null || this.hasRemoteEnded || this.isOver) return;
    let opened = window.release(bytes);
    if (opened === 0) return;
    const mayGrow = !this.#wasPaused && window.size < this.host.maxReceiveWindow;
    if (mayGrow && !isUnderPressure()) opened += window.grow(window.size * 2);
    this.#wasPaused = false;
    this.host.outbox.frames.windowUpdate(this.id, opened);
  }

  /** Nothing is sent or received any more; what came before may still be handed over. */
  markOver(): void {
    this.isOver = true;
    this.#dropPending();
  }

  #dropPending(): void {
    this.#pending?.free();
    this.#pending = null;
  }
}
