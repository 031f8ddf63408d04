/**
 * A client's HTTP/1 connection: requests one after the other, answers in their order, and an end
 * that loses nothing (RFC 9112, 9).
 */
import type {
  ByteStreamListener,
  ClientConnection,
  RejectReason,
  RequestHandler,
  ResponseHead,
  ServerConnection,
  ServerLimits,
  Switched,
} from "../http/message.ts";
import type { SocketStream } from "../http/socket-stream.ts";
import { BodyReader, untilClose } from "./body-reader.ts";
import { findHeadEnd, hopeless, incomplete, skipEmptyLines } from "./head-end.ts";
import { HeadMemo } from "./head-memo.ts";
import { type ParsedRequest, parseRequest, type RequestFields } from "./head.ts";
import { Input } from "./input.ts";
import { MessageWriter } from "./message-writer.ts";
import { createLimits, Patience, type Phase } from "./patience.ts";
import { formatResponseHead } from "./serialize.ts";
import { Http1ServerStream, type ServerStreamHost } from "./server-stream.ts";

export interface Http1Connection {
  readonly stream: SocketStream;
  /** What was read of it already. */
  readonly bytes: Buffer | null;
  readonly connection: ClientConnection;
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
}

/** How much may wait behind the request that is being answered. */
const maxWaiting = 64 * 1024;
/** How much of a body is read that nobody takes at the moment. */
const maxHeld = 16 * 1024;

export function createHttp1ServerConnection(from: Http1Connection): ServerConnection {
  return new Http1ServerConnection(from);
}

class Http1ServerConnection implements ServerConnection, ServerStreamHost, ByteStreamListener {
  readonly connection: ClientConnection;
  readonly writer: MessageWriter;
  isClosing = false;
  readonly #stream: SocketStream;
  readonly #handler: RequestHandler;
  readonly #limits: ServerLimits;
  readonly #patience: Patience;
  readonly #input = new Input();
  readonly #memo = new HeadMemo<RequestFields>();
  #current: Http1ServerStream | null = null;
  /** `rejected` and `lingering`: what still comes is dropped. `switched`: somebody else listens. */
  #state: "open" | "rejected" | "lingering" | "switched" | "closed" = "open";
  #isHalfClosed = false;
  #isProcessing = false;
  #isStopped = false;
  /** Counters for `patience`: requests begun and over, bytes that moved. */
  #round = 0;
  /** When it was looked at last. */
  #checkedRound = 0;
  #progress = 0;

  constructor({ stream, bytes, connection, handler, limits }: Http1Connection) {
    this.connection = connection;
    this.#stream = stream;
    this.#handler = handler;
    this.#limits = limits;
    this.#patience = new Patience(createLimits(limits));
    this.writer = new MessageWriter(stream);
    stream.attach(this);
    if (bytes !== null && !this.onData(bytes)) stream.pause();
  }

  // Bytes.

  onData(bytes: Buffer): boolean {
    if (this.#state !== "open") return true;
    this.#progress += 1;
    this.#input.add(bytes);
    this.#process();
    if (this.#current?.isEndHeld === true) this.#stream.leaveBuffer();
    this.#isStopped = !this.#wantsMore();
    return !this.#isStopped;
  }

  #process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    while (this.#input.length > 0 && this.#step());
    this.#isProcessing = false;
    if (this.#state === "open") this.#input.settle();
    else this.#input.clear();
    this.#checkBrokenBody();
  }

  #wantsMore(): boolean {
    if (this.#state !== "open" || this.#current === null) return true;
    if (this.#current.isRead) return this.#input.length < maxWaiting;
    // Read on for a while, so that a client's end is noticed.
    const mayHold = this.#current.isHeld || this.#stream.isShared;
    return this.#current.wantsBody || (mayHold && this.#input.length < maxHeld);
  }

  /** False: nothing can be done with what is there. */
  #step(): boolean {
    const { bytes } = this.#input;
    if (this.#state !== "open" || bytes === null) return false;
    if (this.#current === null) return this.#readHead(bytes);
    if (!this.#current.wantsBody) return false;
    const end = this.#current.readBody(bytes, this.#input.at);
    if (end === -1) {
      // What follows is neither a body nor a request: nobody can answer that in order.
      this.#stream.destroy();
      return false;
    }
    this.#input.at = end;
    this.#finishIfOver();
    return true;
  }

  #readHead(bytes: Buffer): boolean {
    const input = this.#input;
    const { maxHeaderBytes, maxHeaders } = this.#limits;
    if (input.searched <= input.at) input.at = skipEmptyLines(bytes, input.at);
    const end = findHeadEnd(bytes, Math.max(input.searched, input.at));
    const length = (end < 0 ? bytes.length : end) - input.at;
    if (end === hopeless) {
      this.#reject("bad_request", "a control character, or a line that does not end in CRLF");
    } else if (length > maxHeaderBytes) {
      this.#reject("headers_too_large", `the head is longer than ${maxHeaderBytes} bytes`);
    } else if (end === incomplete) {
      input.searched = bytes.length;
    } else {
      const parsed = parseRequest(bytes, input.at, end, { maxHeaders, memo: this.#memo });
      input.at = end;
      if (parsed.kind === "request") this.#begin(parsed);
      else this.#reject(parsed.reason, parsed.detail);
    }
    return end >= 0;
  }

  #begin(parsed: ParsedRequest): void {
    const { bodyLength, isKeptAlive } = parsed;
    // RFC 9110, 10.1.1: no 100 after all of the body.
    const isLate = parsed.expectsContinue && this.#input.length >= (bodyLength ?? untilClose);
    const request = isLate ? { ...parsed, expectsContinue: false } : parsed;
    const body = bodyLength === 0 ? null : new BodyReader(bodyLength, this.#limits);
    this.#round += 1;
    this.#current = new Http1ServerStream({ host: this, request, body, isKeptAlive });
    this.#handler.onRequest(this.#current);
  }

  #reject(reason: RejectReason, detail: string): void {
    this.#state = "rejected";
    const answer = (head: ResponseHead, body: Buffer): void => {
      if (this.#state !== "rejected") return;
      const framing = { isChunked: false, connection: "close" } as const;
      const { status, reason: phrase, rawHeaders } = head;
      this.writer.begin(formatResponseHead(status, phrase, rawHeaders, framing), framing);
      this.writer.data(body);
      this.writer.end([]);
      this.#linger();
    };
    this.#handler.onRejection({ connection: this.connection, reason, detail, answer });
  }

  // The request in hand.

  wantBody(): void {
    if (this.#isProcessing || this.#state !== "open") return;
    this.#process();
    if (!this.#isStopped || !this.#wantsMore()) return;
    this.#isStopped = false;
    this.#stream.resume();
  }

  onAnswered(): void {
    const current = this.#current;
    this.#stream.whenSent(() => {
      if (current !== null) current.isOut = true;
      this.#finishIfOver();
    });
    // The end of our side tells the client that nobody reads on for long.
    if (this.#current === current && current?.isLast === true) this.#end();
    this.wantBody();
  }

  #finishIfOver(): void {
    const current = this.#current;
    if (current?.isOut === true && current.isRead) this.#finish(current);
  }

  #finish(current: Http1ServerStream): void {
    this.#current = null;
    this.#round += 1;
    current.over("sent");
    const isDone = this.#input.length === 0 && (this.isClosing || this.#isHalfClosed);
    if (current.isLast || isDone) this.#linger();
    else this.wantBody();
  }

  onSwitch(): Switched {
    this.#state = "switched";
    this.#current = null;
    return { stream: this.#stream, bytes: this.#input.take() };
  }

  breakOff(isReset: boolean): void {
    this.writer.flush();
    if (isReset) this.#stream.reset();
    else this.#stream.destroy();
  }

  // The end.

  /**
   * Our side ends first, and what the client still sends is read for a while: closed with bytes
   * unread, the connection would be reset, and the client might lose the answer (RFC 9112, 9.6).
   */
  #linger(): void {
    this.#state = "lingering";
    this.#end();
    if (this.#isHalfClosed) this.#stream.close();
    else this.#stream.resume();
  }

  #end(): void {
    this.writer.flush();
    this.#stream.end();
  }

  onEnd(): void {
    this.#isHalfClosed = true;
    const isFree = this.#state === "open" && this.#current === null;
    if (isFree || this.#state === "lingering") {
      // The last answer may still be waiting for the end of this turn.
      this.writer.flush();
      this.#stream.close();
    } else this.#checkBrokenBody();
  }

  /** A client that has ended may still be reading, but not if it owes the rest of its body. */
  #checkBrokenBody(): void {
    if (!this.#isHalfClosed || this.#current === null) return;
    const isMissing = !this.#current.isRead && this.#input.length === 0;
    // Nor can it speak another protocol.
    if (isMissing || this.#current.request.upgrade.length > 0) this.#stream.destroy();
  }

  onDrain(): void {
    this.#progress += 1;
    this.#current?.onDrain();
  }

  onClose(): void {
    const current = this.#current;
    this.#state = "closed";
    this.#input.clear();
    this.#current = null;
    current?.over(current.isOut ? "sent" : "aborted");
  }

  close(): void {
    this.isClosing = true;
    if (this.#state !== "open" || this.#current !== null) return;
    if (this.#input.length === 0) this.#linger();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  // Time.

  #phase(): Phase {
    if (this.#state === "lingering") return "lingering";
    if (this.#state !== "open") return null;
    if (this.#current === null) return this.#input.length === 0 ? "idle" : "head";
    if (this.#current.isAnswered) return this.#current.isRead ? "sending" : "unwanted";
    if (this.#isHalfClosed) return "half-closed";
    // A client that takes nothing keeps the application waiting; that one has gone which has sent
    // so much ahead that nothing more is read, nobody would notice.
    const isAhead = this.#isStopped && this.#current.isRead;
    return isAhead || this.#stream.pendingBytes > 0 ? "sending" : null;
  }

  check(now: number): void {
    const phase = this.#phase();
    // Idle since the last look: thousands of such connections must not keep what they may not need.
    if (phase === "idle" && this.#round === this.#checkedRound) this.#memo.clear();
    this.#checkedRound = this.#round;
    if (!this.#patience.isOver(now, phase, this.#round, this.#progress + this.writer.written))
      return;
    if (phase === "idle") this.#linger();
    else if (phase === "head") this.#reject("request_timeout", "the head did not arrive in time");
    else this.#stream.destroy();
  }
}
