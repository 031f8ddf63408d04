/**
 * The HTTP/2 connections to one port of the application, by prior knowledge (RFC 9113, 3.3): few,
 * and shared by all requests.
 */
import type {
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  Upstream,
} from "../http/message.ts";
import { SocketStream } from "../http/socket-stream.ts";
import { ClientSession, type ClientSessionOwner } from "./client-session.ts";
import { Http2ClientStream } from "./client-stream.ts";
import type { HeaderLimits } from "./field-blocks.ts";

export interface Http2UpstreamOptions {
  readonly host: string;
  readonly port: number;
  /** To the application's first word. */
  readonly connectTimeoutMs: number;
  /** How long a connection is kept that carries nothing. */
  readonly keepAliveMs: number;
  readonly limits: HeaderLimits;
}

/** Servers mostly read a connection with one thread: many requests at a time get more of them. */
const maxStreams = 100;

const sweepMs = 1000;

export function createHttp2Upstream(options: Http2UpstreamOptions): Upstream {
  return new Http2Upstream(options);
}

interface Kept {
  readonly session: ClientSession;
  readonly stream: SocketStream;
  readonly timer: NodeJS.Timeout;
  isConnected: boolean;
  /** On `performance`'s clock: since when it carries nothing. */
  freeSince: number;
}

class Http2Upstream implements Upstream, ClientSessionOwner {
  readonly #options: Http2UpstreamOptions;
  readonly #all = new Map<ClientSession, Kept>();
  /** The last one that had room. */
  #current: ClientSession | null = null;
  #sweep: NodeJS.Timeout | null = null;
  /** What the application has allowed last. */
  #streams = maxStreams;

  constructor(options: Http2UpstreamOptions) {
    this.#options = options;
  }

  send(request: OutgoingRequest, listener: ClientStreamListener): ClientStream {
    const session = request.isRetry ? this.#connect() : this.#sessionWithRoom();
    const stream = new Http2ClientStream(session, request, listener);
    session.begin(stream);
    return stream;
  }

  #sessionWithRoom(): ClientSession {
    if (this.#current?.hasRoom === true) return this.#current;
    for (const session of this.#all.keys()) {
      if (!session.hasRoom) continue;
      this.#current = session;
      return session;
    }
    return this.#connect();
  }

  #connect(): ClientSession {
    const { host, port, connectTimeoutMs, limits } = this.#options;
    const stream = SocketStream.connect({ host, port });
    const session = new ClientSession({
      wire: stream,
      limits,
      maxStreams,
      assumedStreams: this.#streams,
      owner: this,
    });
    const timer = setTimeout(() => {
      const error = Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" });
      stream.destroy(error);
    }, connectTimeoutMs);
    const kept = { session, stream, timer, isConnected: false, freeSince: performance.now() };
    stream.socket.once("connect", () => {
      kept.isConnected = true;
    });
    this.#all.set(session, kept);
    this.#current = session;
    this.#sweep ??= setInterval(() => {
      this.#closeOld();
    }, sweepMs).unref();
    return session;
  }

  onChange(session: ClientSession): void {
    const kept = this.#all.get(session);
    if (kept === undefined) return;
    if (session.isReady) {
      clearTimeout(kept.timer);
      this.#streams = Math.max(1, session.capacity);
    }
    if (session.isFree) kept.freeSince = performance.now();
    if (!session.isUsable && this.#current === session) this.#current = null;
  }

  onExcess(streams: readonly Http2ClientStream[], session: ClientSession): void {
    // It would be the same on any other connection.
    const isHopeless = session.isUsable && session.isFree;
    for (const stream of streams) {
      if (isHopeless) fail(stream, "failed", "the application takes no requests on a connection");
      else this.#sessionWithRoom().begin(stream);
    }
  }

  onGone(session: ClientSession, unbegun: readonly Http2ClientStream[]): void {
    const kept = this.#all.get(session);
    this.#all.delete(session);
    if (this.#current === session) this.#current = null;
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    const kind = kept.isConnected ? "failed" : "unreachable";
    const message = kept.stream.error?.message ?? "the application does not speak HTTP/2";
    for (const stream of unbegun) fail(stream, kind, message);
  }

  #closeOld(): void {
    const before = performance.now() - this.#options.keepAliveMs;
    for (const { session, freeSince } of this.#all.values()) {
      if (session.isReady && session.isFree && freeSince <= before) session.close();
    }
    if (this.#all.size > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  close(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
    for (const session of this.#all.keys()) session.destroy();
  }
}

function fail(stream: Http2ClientStream, kind: "unreachable" | "failed", message: string): void {
  stream.failWith({ kind, message, isConnectionLoss: false, code: null });
}
