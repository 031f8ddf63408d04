/**
 * A socket as a `ByteStream`: read by Node's `onread` into memory that is used again and again,
 * because what large bodies cost is garbage, not copying (bench/src/proxy). The only place that
 * knows who owns the bytes that a socket is written; see bytes.ts.
 */
import { Socket, type SocketConstructorOpts } from "node:net";
import {
  bufferBytes,
  giveBuffer,
  isShared,
  leaveBuffer,
  sharedBuffer,
  takeBuffer,
} from "./bytes.ts";
import type { ByteStream, ByteStreamListener } from "./message.ts";

/** Beyond this, a write that is not done at once is announced by `drain`. */
const writableHighWaterMark = 16 * 1024;

/** Chunks up to this size are written as text: one copy, and no memory that outlives it. */
const textBytes = 8 * 1024;

/** A read this large is of a stream that goes on: it gets a buffer of its own. */
const largeRead = bufferBytes / 2;
const smallRead = bufferBytes / 8;

const nobody: ByteStreamListener = {
  onData: () => false,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};

export class SocketStream implements ByteStream {
  #listener: ByteStreamListener = nobody;
  #socket: Socket;
  #buffer = sharedBuffer;
  #isAlwaysShared = false;
  #isEnded = false;
  #error: Error | null = null;

  private constructor(create: (stream: SocketStream) => Socket) {
    this.#socket = create(this);
    this.#socket.on("end", () => {
      this.#isEnded = true;
      this.#listener.onEnd();
    });
    this.#socket.on("drain", () => {
      this.#listener.onDrain();
    });
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.on("close", (hadError: boolean) => {
      this.leaveBuffer();
      const isClean = !hadError && this.#isEnded && this.#socket.writableFinished;
      this.#listener.onClose(isClean);
      this.#listener = nobody;
    });
  }

  /**
   * Takes over a connection that was accepted with `pauseOnConnect`. Node has no public way to give
   * such a socket a buffer; where its handle is not what it is in Node 24, it is read in the
   * ordinary way, which costs memory and nothing else.
   */
  static adopt(accepted: Socket): SocketStream {
    const handle = takeHandle(accepted);
    return handle === null
      ? SocketStream.wrap(accepted)
      : new SocketStream((stream) => stream.#create({ handle }));
  }

  /** Writes wait until it is connected; when that fails, `onClose` is all there is. */
  static connect(to: { readonly host: string; readonly port: number }): SocketStream {
    return new SocketStream((stream) =>
      stream.#create({ noDelay: true, keepAlive: true }).connect(to),
    );
  }

  /** TLS and whatever else is no plain connection. Half-open has to be allowed by who made it. */
  static wrap(socket: Socket): SocketStream {
    return new SocketStream((stream) =>
      socket.on("data", (chunk: Buffer) => {
        if (!stream.#listener.onData(chunk)) socket.pause();
      }),
    );
  }

  #create(given: object): Socket {
    const onread = {
      buffer: () => this.#buffer,
      callback: (bytes: number) => this.#onRead(bytes),
    };
    // What Node's types leave out: `handle` and `writableHighWaterMark`.
    const options: SocketConstructorOpts = { allowHalfOpen: true, onread };
    return new Socket(Object.assign(options, given, { writableHighWaterMark }));
  }

  #onRead(bytes: number): boolean {
    const buffer = this.#buffer;
    const isOver = this.#listener.onData(buffer.subarray(0, bytes));
    // What was handed over of it may still be on its way.
    if (buffer !== this.#buffer) return isOver;
    if (buffer === sharedBuffer) {
      if (bytes >= largeRead && !this.#isAlwaysShared) this.#buffer = takeBuffer();
    } else if (isOver && bytes < smallRead) {
      // All that was in it is out of the process.
      giveBuffer(buffer);
      this.#buffer = sharedBuffer;
    }
    return isOver;
  }

  /** For readers that go on while bytes they handed over still wait: those must not seem to last. */
  keepShared(): void {
    this.#isAlwaysShared = true;
  }

  /** For readers that go on although what they handed over may still be on its way. */
  leaveBuffer(): void {
    if (this.#buffer === sharedBuffer) return;
    this.#buffer = sharedBuffer;
    leaveBuffer();
  }

  /** Nothing that was handed over depends on the memory that the next read will fill. */
  get isShared(): boolean {
    return this.#buffer === sharedBuffer;
  }

  /** The socket itself, for addresses and options. */
  get socket(): Socket {
    return this.#socket;
  }

  /** Why it closed, if that was not in order; there from `onClose` on. */
  get error(): (Error & { readonly code?: string }) | null {
    return this.#error;
  }

  /** The connection is made. */
  get isConnected(): boolean {
    return !this.#socket.connecting && !this.#socket.pending;
  }

  /** Nothing comes or goes any more, though `onClose` may still be to come. */
  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** Written, and still in the process. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  attach(listener: ByteStreamListener): void {
    this.#listener = listener;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Latin 1. False: no more before `onDrain`. */
  writeText(text: string): boolean {
    return this.#socket.write(text, "latin1");
  }

  write(chunk: Buffer): boolean {
    if (chunk.length <= textBytes) return this.writeText(chunk.toString("latin1"));
    if (isShared(chunk)) return this.#socket.write(Buffer.from(chunk));
    // A TLS socket takes more before it says that it is full.
    const isGathered = chunk.length < this.#socket.writableHighWaterMark;
    if (isGathered) return this.#socket.write(Buffer.from(chunk));
    // Its memory is free again only when all of it is out, which is what `drain` says here.
    return this.#socket.write(chunk) || this.#socket.writableLength === 0;
  }

  /** Calls back when all that was written is out of the process; not if it never can be. */
  whenSent(done: () => void): void {
    if (this.#socket.writableLength === 0) done();
    else {
      this.#socket.write("", (error) => {
        if (error === null || error === undefined) done();
      });
    }
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    resetSocket(this.#socket);
  }

  /** `error`: what `error` will say. */
  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  close(): void {
    this.#socket.destroySoon();
  }
}

/**
 * Closes a socket so that it does not look like an end. Node cannot reset one of TLS, of which no
 * close_notify says as much, and would never close one whose end is being told at the moment.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  if (isEnding || "encrypted" in socket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Of an accepted socket, which is left empty and closes without closing the connection. */
function takeHandle(accepted: Socket): object | null {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (typeof handle !== "object" || handle === null || !("useUserBuffer" in handle)) return null;
  Reflect.set(accepted, "_handle", null);
  accepted.destroy();
  return handle;
}
