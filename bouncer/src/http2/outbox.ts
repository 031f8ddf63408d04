/**
 * What one connection sends: frames of all streams, joined and written once in a turn of the event
 * loop, and who has to wait because the socket or the connection's window is full.
 */
import { defaultSettings, maxWindowSize } from "./settings.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Wire } from "./wire.ts";

/** A stream with something to send that cannot be sent yet. */
export interface Sender {
  /** Sends a frame's worth; says whether it could go on at once. */
  pump(): boolean;
}

/** Who wants to know when what it wrote is with the kernel. */
export interface Awaiter {
  onSent(): void;
  /** The connection is gone, and it may not be. */
  onUnsent(): void;
}

/**
 * More than this is written without waiting for the end of the turn. With one more frame, it is what
 * fits into 64 KiB, which is what a connection holds while its peer is slow.
 */
const flushBytes = 48 * 1024 - 64;

/** Larger frames would only keep others waiting (RFC 9113, 4.2). */
const frameBytes = defaultSettings.maxFrameSize;

/** Frames that are not DATA are limited by nothing else than this. */
const overloadBytes = 1024 * 1024;

export class Outbox {
  readonly #wire: Wire;
  readonly #writer = new FrameWriter();
  #window = defaultSettings.initialWindowSize;
  #dataWork = 0;
  #isFull = false;
  #isScheduled = false;
  #isPumping = false;
  #isClosed = false;
  readonly #waiting: Sender[] = [];
  #awaiting: Awaiter[] = [];
  /** What they wait for is written, but may not be with the kernel. */
  #settling: Awaiter[] = [];
  readonly #flushLater = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** To write frames other than DATA with; they go out at the end of this turn. */
  get frames(): FrameWriter {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#flushLater);
    }
    return this.#writer;
  }

  /** Bytes of DATA that all streams together may send now. */
  get credit(): number {
    return this.#isFull ? 0 : this.#window;
  }

  /** The socket takes no more. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The peer does not read, and what we answer without asking whether we may piles up. */
  get isOverloaded(): boolean {
    return this.#writer.length > overloadBytes;
  }

  /** Within `credit`, and the stream's own window. */
  data(streamId: number, chunk: Buffer, endStream: boolean): void {
    this.#window -= chunk.length;
    this.#dataWork += 4 + chunk.length / 2048;
    let from = 0;
    while (chunk.length - from > frameBytes) {
      this.#data(streamId, chunk.subarray(from, from + frameBytes), false);
      from += frameBytes;
    }
    this.#data(streamId, from === 0 ? chunk : chunk.subarray(from), endStream);
  }

  #data(streamId: number, chunk: Buffer, endStream: boolean): void {
    this.frames.data(streamId, chunk, endStream);
    if (this.#writer.length >= flushBytes) this.flush();
  }

  /** Sets END_STREAM on what was written last if that is of this stream, else sends it alone. */
  end(streamId: number): void {
    if (!this.#writer.endLast(streamId)) this.frames.data(streamId, nothing, true);
  }

  /** What the DATA since the last call is worth: so many updates of windows are in order. */
  takeDataWork(): number {
    const work = this.#dataWork;
    this.#dataWork = 0;
    return work;
  }

  setMaxFrameSize(bytes: number): void {
    this.#writer.maxFrameSize = Math.min(bytes, frameBytes);
  }

  /** False: the peer has made it larger than it may be. */
  openWindow(bytes: number): boolean {
    this.#window += bytes;
    if (this.#window > maxWindowSize) return false;
    this.pump();
    return true;
  }

  wait(sender: Sender): void {
    this.#waiting.push(sender);
  }

  /** In turn, so that nobody waits for all that others have to send. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.credit > 0) {
      const sender = this.#waiting.shift();
      if (sender === undefined) break;
      if (sender.pump()) this.#waiting.push(sender);
    }
    this.#isPumping = false;
  }

  /** Told when all that was written until now is with the kernel; not from within this call. */
  awaitSent(awaiter: Awaiter): void {
    this.#awaiting.push(awaiter);
  }

  onDrain(): void {
    this.#isFull = false;
    if (this.#wire.pendingBytes === 0) this.#writer.sent();
    this.pump();
    this.flush();
  }

  flush(): void {
    if (this.#isClosed) return;
    if (this.#writer.length > 0 && !this.#isFull) {
      this.#isFull = !this.#wire.write(this.#writer.take());
      if (this.#wire.pendingBytes === 0) this.#writer.sent();
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#awaiting.length === 0 || this.#writer.length > 0) return;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    if (this.#wire.pendingBytes === 0) {
      for (const awaiter of awaiting) awaiter.onSent();
      return;
    }
    this.#settling.push(...awaiting);
    this.#wire.whenSent(() => {
      const settled = this.#settling.splice(0, awaiting.length);
      for (const awaiter of settled) awaiter.onSent();
    });
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    const lost = [...this.#settling, ...this.#awaiting];
    this.#settling = [];
    this.#awaiting = [];
    for (const awaiter of lost) awaiter.onUnsent();
  }
}

const nothing = Buffer.alloc(0);
