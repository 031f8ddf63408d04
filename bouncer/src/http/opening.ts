/**
 * A client's connection before its first bytes have told which version of HTTP it speaks: HTTP/2
 * with prior knowledge begins with a preface that no HTTP/1 request begins with (RFC 9113, 3.3).
 */
import { createHttp1ServerConnection } from "../http1/server-connection.ts";
import { createHttp2ServerConnection } from "../http2/server-session.ts";
import type {
  ByteStreamListener,
  ClientConnection,
  RequestHandler,
  ServerConnection,
  ServerLimits,
} from "./message.ts";
import type { SocketStream } from "./socket-stream.ts";

export interface OpeningOptions {
  readonly stream: SocketStream;
  readonly connection: ClientConnection;
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** How long a connection that was just made may take to its first byte while we stop. */
const unusedGraceMs = 500;

export class Opening implements ServerConnection, ByteStreamListener {
  readonly #options: OpeningOptions;
  #inner: ServerConnection | null = null;
  #bytes: Buffer | null = null;
  #since: number | null = null;

  constructor(options: OpeningOptions) {
    this.#options = options;
    options.stream.attach(this);
  }

  onData(chunk: Buffer): boolean {
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    const length = Math.min(bytes.length, preface.length);
    if (preface.compare(bytes, 0, length, 0, length) !== 0) {
      this.#inner = createHttp1ServerConnection({ ...this.#options, bytes });
    } else if (length === preface.length) {
      this.#inner = createHttp2ServerConnection({
        ...this.#options,
        wire: this.#options.stream,
        bytes,
      });
    } else {
      this.#bytes = Buffer.from(bytes);
      this.#since = null;
    }
    return true;
  }

  onEnd(): void {
    this.#options.stream.close();
  }

  onDrain(): void {
    // Nothing was written.
  }

  onClose(): void {
    // Nothing was asked.
  }

  close(): void {
    if (this.#inner !== null) {
      this.#inner.close();
      return;
    }
    // A client that has just connected is about to ask.
    setTimeout(() => {
      if (this.#inner === null) this.destroy();
      else this.#inner.close();
    }, unusedGraceMs);
  }

  destroy(): void {
    this.#options.stream.destroy();
  }

  check(now: number): void {
    if (this.#inner !== null) {
      this.#inner.check(now);
      return;
    }
    const { headTimeoutMs, idleTimeoutMs } = this.#options.limits;
    this.#since ??= now;
    const limitMs = this.#bytes === null ? idleTimeoutMs : headTimeoutMs;
    if (now - this.#since >= limitMs) this.destroy();
  }
}
