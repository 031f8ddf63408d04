/** HTTP/2 with a client (RFC 9113): its requests to the handler, within bounds. */
import type {
  ClientConnection,
  RejectReason,
  RequestHandler,
  RequestMessage,
  ServerConnection,
  ServerLimits,
} from "../http/message.ts";
import { errorCodes } from "./error-code.ts";
import { frameTypes } from "./frame.ts";
import { readTrailers } from "./message-fields.ts";
import { readRequestHead } from "./request-head.ts";
import { Http2ServerStream, type ServerStreamHost } from "./server-stream.ts";
import { type Block, Session } from "./session.ts";
import type { Wire } from "./wire.ts";

export interface Http2ServerOptions {
  readonly wire: Wire;
  /** What was read already; begins with the preface of the client. */
  readonly bytes: Buffer;
  readonly connection: ClientConnection;
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  /** Called once, when the connection is closed. */
  readonly onClose?: () => void;
}

/** More wait at the client: one connection must not take all that the bouncer has. */
export const maxConcurrentStreams = 250;

/** How long a client may take to see that no new stream is welcome (RFC 9113, 6.8). */
const goAwayMs = 1000;
/** How long a connection that was ended for a fault may take to go. */
const lingerMs = 2000;

const anyStream = 0x7fffffff;
const goAwayPing = Buffer.from("goingout", "latin1");

export function createHttp2ServerConnection(options: Http2ServerOptions): ServerConnection {
  return new ServerSession(options);
}

/** `told`: that no new streams are welcome; `last`: which streams are the last. */
type Leaving = "no" | "told" | "last";

class ServerSession
  extends Session<Http2ServerStream>
  implements ServerConnection, ServerStreamHost
{
  readonly connection: ClientConnection;
  readonly #handler: RequestHandler;
  readonly #limits: ServerLimits;
  readonly #onClose: (() => void) | undefined;
  #lastStreamId = 0;
  #leaving: Leaving = "no";
  // When what `check` looks for was seen first; 0: it was not there.
  #silentSince = 0;
  #headSince = 0;
  #fullSince = 0;
  #leavingSince = 0;
  #closedSince = 0;
  #endedSince = 0;
  #hasEnded = false;
  #isFinished = false;
  /** Field blocks until now, and when `check` looked last. */
  #blocks = 0;
  #blocksSeen = 0;

  constructor({ wire, bytes, connection, handler, limits, onClose }: Http2ServerOptions) {
    super({
      wire,
      role: "server",
      limits,
      settings: { maxConcurrentStreams },
      maxReceiveWindow: 1024 * 1024,
      maxQueuedBytes: 1024 * 1024,
    });
    this.connection = connection;
    this.#handler = handler;
    this.#limits = limits;
    this.#onClose = onClose;
    this.listen(bytes);
  }

  protected get lastStreamId(): number {
    return this.#lastStreamId;
  }

  protected get lastPeerStreamId(): number {
    return this.#lastStreamId;
  }

  // --- Requests ---

  protected receiveBlock(streamId: number, block: Block): void {
    this.#blocks += 1;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#receiveTrailers(stream, block);
    else if (streamId <= this.#lastStreamId || this.isIdle(streamId)) {
      this.onMissing(streamId, frameTypes.HEADERS);
    } else {
      this.#lastStreamId = streamId;
      this.#begin(streamId, block);
    }
  }

  #receiveTrailers(stream: Http2ServerStream, { fields, endStream, isOversized }: Block): void {
    const read = readTrailers(fields);
    if (stream.hasEnded) {
      this.breakOff(stream, errorCodes.STREAM_CLOSED, "HEADERS after the end of the stream");
    } else if (read.kind === "bad" || !endStream || isOversized) {
      this.breakOff(stream, errorCodes.PROTOCOL_ERROR, "the trailers are not trailers");
    } else stream.receiveEnd(read.trailers);
  }

  #begin(streamId: number, { fields, endStream, isOversized }: Block): void {
    if (this.streams.size >= maxConcurrentStreams || this.#leaving === "last") {
      this.refuseStream(streamId, errorCodes.REFUSED_STREAM);
      this.spend(this.resets, 1, "streams at the same time");
      return;
    }
    if (isOversized) {
      this.#reject(streamId, endStream, "headers_too_large", "the headers are too large");
      return;
    }
    const head = readRequestHead(fields, endStream);
    if (head.kind === "bad") {
      this.#reject(streamId, endStream, head.reason, head.detail);
      return;
    }
    const stream = new Http2ServerStream(streamId, this, head.request, endStream);
    this.streams.add(streamId, stream);
    this.#handler.onRequest(stream);
  }

  /** Answered, and then reset, as RFC 9113, 8.1.1 has it for messages that are malformed. */
  #reject(streamId: number, endStream: boolean, reason: RejectReason, detail: string): void {
    const stream = new Http2ServerStream(streamId, this, unreadable, endStream);
    stream.refuseBody();
    this.streams.add(streamId, stream);
    const code = reason === "headers_too_large" ? errorCodes.NO_ERROR : errorCodes.PROTOCOL_ERROR;
    this.#handler.onRejection({
      connection: this.connection,
      reason,
      detail,
      answer: (head, body) => {
        stream.sendHead(head, { close: false });
        stream.sendRejection(body, code);
      },
    });
    this.spend(this.resets, 1, "requests that are none");
  }

  protected onStreamGone(): void {
    this.#finishIfDone();
  }

  protected onPeerSettings(): void {
    // All of it is with the streams and the encoder.
  }

  onGoAway(): void {
    // The client begins no more streams by itself; those that are here go on (RFC 9113, 6.8).
    this.close();
  }

  // --- The end ---

  /** In two steps, so that no request is lost that is on its way (RFC 9113, 6.8). */
  close(): void {
    if (this.isClosed || this.#leaving !== "no") return;
    this.#leaving = "told";
    this.outbox.frames.goAway(anyStream, errorCodes.NO_ERROR, "");
    this.outbox.frames.ping(goAwayPing, false);
  }

  protected onPingAck(): void {
    if (this.#leaving === "told") this.#tellLast();
  }

  #tellLast(): void {
    this.#leaving = "last";
    this.outbox.frames.goAway(this.#lastStreamId, errorCodes.NO_ERROR, "");
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    const mayGo = this.#leaving === "last" || this.#hasEnded;
    if (!mayGo || this.streams.size > 0 || this.isClosed || this.#isFinished) return;
    this.#isFinished = true;
    // What the last stream has written is not out yet.
    this.outbox.awaitSent({
      onSent: () => {
        this.wire.close();
      },
      onUnsent: () => undefined,
    });
    this.outbox.flush();
  }

  destroy(): void {
    this.wire.destroy();
  }

  /** The client sends nothing more, window updates included; it may still listen. */
  protected onRemoteEnd(): void {
    this.#hasEnded = true;
    for (const stream of this.streams.values()) {
      if (!stream.hasEnded) stream.abort(errorCodes.CANCEL);
    }
    this.#finishIfDone();
  }

  protected onGone(): void {
    this.#onClose?.();
  }

  // --- Time ---

  check(now: number): void {
    if (this.isClosed) {
      this.#closedSince ||= now;
      if (now - this.#closedSince > lingerMs) this.wire.destroy();
      return;
    }
    this.resets.check(now);
    this.idleFrames.check(now);
    this.#checkLeaving(now);
    if (this.#isHeadLate(now) || this.#isStuck(now)) {
      this.wire.destroy();
      return;
    }
    this.#checkStreams(now);
    this.#checkSilence(now);
  }

  #checkLeaving(now: number): void {
    if (this.#leaving === "told") {
      this.#leavingSince ||= now;
      if (now - this.#leavingSince >= goAwayMs) this.#tellLast();
    }
    if (!this.#hasEnded) return;
    this.#endedSince ||= now;
    if (now - this.#endedSince < this.#limits.halfClosedMs) return;
    for (const stream of this.streams.values()) if (!stream.hasHead) stream.abort();
  }

  /** The preface, or a field block that is begun and does not end. */
  #isHeadLate(now: number): boolean {
    const isSame = this.reader.isWithinHead && this.#blocks === this.#blocksSeen;
    this.#blocksSeen = this.#blocks;
    if (!isSame || this.#headSince === 0) this.#headSince = this.reader.isWithinHead ? now : 0;
    return this.#headSince > 0 && now - this.#headSince >= this.#limits.headTimeoutMs;
  }

  /** The socket takes nothing, for so long that nobody can be there. */
  #isStuck(now: number): boolean {
    if (!this.outbox.isFull) this.#fullSince = 0;
    else this.#fullSince ||= now;
    return this.#fullSince > 0 && now - this.#fullSince >= this.#limits.idleTimeoutMs;
  }

  /** Who opens no window keeps the application waiting as if it did not read. */
  #checkStreams(now: number): void {
    for (const stream of this.streams.values()) {
      const since = stream.blockedSince(now);
      if (since === null || now - since < this.#limits.idleTimeoutMs) continue;
      this.breakOff(stream, errorCodes.ENHANCE_YOUR_CALM, "the window was never opened");
    }
  }

  #checkSilence(now: number): void {
    if (this.hasRead || this.streams.size > 0 || this.#silentSince === 0) {
      this.#silentSince = now;
      this.hasRead = false;
      return;
    }
    if (now - this.#silentSince < this.#limits.idleTimeoutMs) return;
    this.close();
    if (now - this.#silentSince >= this.#limits.idleTimeoutMs + lingerMs) this.wire.destroy();
  }
}

/** In place of a request that could not be read. */
const unreadable: RequestMessage = {
  method: "",
  target: "",
  version: "2",
  rawHeaders: [],
  bodyLength: null,
  expectsContinue: false,
  upgrade: [],
};
