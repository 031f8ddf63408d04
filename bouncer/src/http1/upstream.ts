/**
 * The HTTP/1 connections to one port of the application: as many as there are requests at a time,
 * kept for a while when they are free, the last used first.
 */
import type {
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  Upstream,
} from "../http/message.ts";
import { SocketStream } from "../http/socket-stream.ts";
import { type ClientConnectionOwner, Http1ClientConnection } from "./client-connection.ts";

export interface Http1UpstreamOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** How long a free connection is kept, unless the application says how long it keeps it. */
  readonly keepAliveMs: number;
}

/** The application's word is not taken to its last second: our request is under way, too. */
const marginMs = 1000;
const maxKeepAliveMs = 600_000;
const sweepMs = 1000;

interface Free {
  readonly connection: Http1ClientConnection;
  /** On `performance`'s clock. */
  readonly until: number;
}

export function createHttp1Upstream(options: Http1UpstreamOptions): Upstream {
  return new Http1Upstream(options);
}

class Http1Upstream implements Upstream, ClientConnectionOwner {
  readonly #options: Http1UpstreamOptions;
  readonly #all = new Set<Http1ClientConnection>();
  #free: Free[] = [];
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: Http1UpstreamOptions) {
    this.#options = options;
  }

  send(request: OutgoingRequest, listener: ClientStreamListener): ClientStream {
    const kept = request.isRetry ? null : this.#takeFree();
    const connection = kept ?? this.#connect();
    try {
      return connection.send(request, listener);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  #takeFree(): Http1ClientConnection | null {
    let free = this.#free.pop();
    while (free?.connection.isDead === true) free = this.#free.pop();
    return free?.connection ?? null;
  }

  #connect(): Http1ClientConnection {
    const { host, port, connectTimeoutMs } = this.#options;
    const stream = SocketStream.connect({ host, port });
    const connection = new Http1ClientConnection(stream, this);
    this.#all.add(connection);
    const timer = setTimeout(() => {
      const error = Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" });
      connection.destroy(error);
    }, connectTimeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
    };
    stream.socket.once("connect", stop).once("close", stop);
    return connection;
  }

  onFree(connection: Http1ClientConnection, seconds: number | null): void {
    const promised = seconds === null ? this.#options.keepAliveMs : seconds * 1000 - marginMs;
    const keptMs = Math.min(promised, maxKeepAliveMs);
    if (keptMs <= 0) {
      connection.destroy();
      return;
    }
    this.#free.push({ connection, until: performance.now() + keptMs });
    this.#sweep ??= setInterval(() => {
      this.#closeOld();
    }, sweepMs).unref();
  }

  #closeOld(): void {
    const now = performance.now();
    const old = this.#free.filter(({ until }) => until <= now);
    if (old.length > 0) this.#free = this.#free.filter(({ until }) => until > now);
    for (const { connection } of old) connection.destroy();
    if (this.#free.length > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  onGone(connection: Http1ClientConnection): void {
    this.#all.delete(connection);
    const at = this.#free.findIndex((free) => free.connection === connection);
    if (at !== -1) this.#free.splice(at, 1);
  }

  close(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    for (const connection of this.#all) connection.destroy();
  }
}
