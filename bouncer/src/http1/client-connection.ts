/**
 * One HTTP/1 connection to the application: requests one after the other, never two at a time, and
 * an answer that begins and ends exactly where its framing says (RFC 9112, 6.3 and 9).
 */
import type {
  ByteStreamListener,
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  RawHeaders,
  UpstreamError,
} from "../http/message.ts";
import type { SocketStream } from "../http/socket-stream.ts";
import { BodyReader, untilClose } from "./body-reader.ts";
import { Http1ClientStream } from "./client-stream.ts";
import { findHeadEnd, hopeless, incomplete } from "./head-end.ts";
import type { Malformed } from "./head-line.ts";
import { HeadMemo } from "./head-memo.ts";
import { type KnownResponse, type ParsedResponse, parseResponse } from "./head.ts";
import { Input } from "./input.ts";
import { MessageWriter } from "./message-writer.ts";
import { formatLines } from "./header-lines.ts";
import { formatRequestHead } from "./serialize.ts";

/** Of an answer, and of its trailers. */
const limits = { maxHeaderBytes: 64 * 1024, maxHeaders: 1000 };

/** Of one answer; nobody needs more, and none may go on for ever. */
const maxInterim = 100;

export interface ClientConnectionOwner {
  /** Free for the next request. `seconds`: how long the application keeps it, if it says so. */
  onFree(connection: Http1ClientConnection, seconds: number | null): void;
  onGone(connection: Http1ClientConnection): void;
}

/** TE is for one connection, and has to be named as that (RFC 9110, 10.1.4). */
function connectionFor(rawHeaders: RawHeaders): "TE" | null {
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i] === "TE") return "TE";
  return null;
}

/** With what is about this message on this connection. */
function withOwn({ rawHeaders, upgrade, expectsContinue }: OutgoingRequest): RawHeaders {
  if (upgrade === null && !expectsContinue) return rawHeaders;
  const own = upgrade === null ? [] : ["Upgrade", upgrade];
  if (expectsContinue) own.push("Expect", "100-continue");
  return [...rawHeaders, ...own];
}

export class Http1ClientConnection implements ByteStreamListener {
  readonly #stream: SocketStream;
  readonly #writer: MessageWriter;
  readonly #owner: ClientConnectionOwner;
  readonly #input = new Input();
  readonly #memo = new HeadMemo<KnownResponse>();
  #current: Http1ClientStream | null = null;
  #head: ParsedResponse | null = null;
  #body: BodyReader | null = null;
  #interim = 0;
  #hasAnswered = false;
  #isProcessing = false;
  #isStopped = false;
  #isEnded = false;
  #isSwitched = false;

  constructor(stream: SocketStream, owner: ClientConnectionOwner) {
    this.#stream = stream;
    this.#owner = owner;
    this.#writer = new MessageWriter(stream);
    stream.attach(this);
  }

  /** Only when it is free. */
  send(request: OutgoingRequest, listener: ClientStreamListener): ClientStream {
    const { method, target, rawHeaders, bodyLength, upgrade, expectsContinue } = request;
    const isChunked = bodyLength === null;
    const connection = upgrade === null ? connectionFor(rawHeaders) : "Upgrade";
    const { memo } = request;
    const headers =
      upgrade === null && !expectsContinue && memo !== undefined
        ? formatLines(rawHeaders, memo)
        : withOwn(request);
    // Throws when it cannot be written; then there is nothing to wait for.
    const text = formatRequestHead(method, target, headers, { isChunked, connection });
    const current = new Http1ClientStream(this, this.#writer, request, listener);
    this.#current = current;
    this.#head = null;
    this.#body = null;
    this.#interim = 0;
    this.#hasAnswered = false;
    this.#writer.begin(text, { isChunked });
    return current;
  }

  /** The application may have ended it while it was free. */
  get isDead(): boolean {
    return this.#stream.isDestroyed;
  }

  /** The connection is of no use any more; nobody is told. */
  destroy(error?: Error): void {
    this.#stream.destroy(error);
  }

  // Bytes.

  onData(bytes: Buffer): boolean {
    if (this.#current === null) {
      // Nobody asked.
      this.#stream.destroy();
      return false;
    }
    this.#hasAnswered = true;
    this.#input.add(bytes);
    this.#process();
    this.#isStopped = this.#current?.isPaused ?? false;
    return !this.#isStopped;
  }

  #process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    while (this.#input.length > 0 && this.#step());
    this.#isProcessing = false;
    this.#input.settle();
  }

  #step(): boolean {
    const { bytes } = this.#input;
    const current = this.#current;
    if (bytes === null || current === null || current.isPaused || current.isAnswered) return false;
    if (this.#body === null) return this.#readHead(bytes, current);
    this.#input.at = this.#body.read(bytes, this.#input.at, current);
    if (this.#body.isMalformed) this.#fail("the body of its answer is malformed");
    else if (this.#body.isDone) this.#complete(current);
    return this.#current === current && !current.isAnswered;
  }

  #readHead(bytes: Buffer, current: Http1ClientStream): boolean {
    const input = this.#input;
    const end = findHeadEnd(bytes, input.searched);
    const length = (end < 0 ? bytes.length : end) - input.at;
    if (end === hopeless) {
      this.#fail("its answer has a control character, or a line does not end in CRLF");
    } else if (length > limits.maxHeaderBytes) this.#fail("the head of its answer is too long");
    else if (end === incomplete) input.searched = bytes.length;
    else {
      const parsed = parseResponse(bytes, input.at, end, {
        method: current.request.method,
        memo: this.#memo,
      });
      input.at = end;
      input.searched = end;
      this.#onHead(parsed, current);
    }
    return end >= 0 && this.#current === current && !current.isAnswered;
  }

  #onHead(parsed: ParsedResponse | Malformed, current: Http1ClientStream): void {
    if (parsed.kind === "malformed") this.#fail(`its answer is malformed: ${parsed.detail}`);
    else if (parsed.status === 101) this.#switch(parsed, current);
    else if (parsed.status < 200) this.#inform(parsed, current);
    else this.#begin(parsed, current);
  }

  #inform({ status, rawHeaders }: ParsedResponse, current: Http1ClientStream): void {
    this.#interim += 1;
    if (this.#interim > maxInterim) this.#fail("it sends interim responses without end");
    else current.listener.onInformation(status, rawHeaders);
  }

  #begin(parsed: ParsedResponse, current: Http1ClientStream): void {
    this.#head = parsed;
    this.#body = new BodyReader(
      parsed.framing === "close" ? untilClose : parsed.bodyLength,
      limits,
    );
    current.listener.onHead(parsed);
    if (this.#current === current && this.#body.isDone) this.#complete(current);
  }

  #switch(parsed: ParsedResponse, current: Http1ClientStream): void {
    if (current.request.upgrade === null) {
      this.#fail("it switched protocols unasked");
      return;
    }
    const bytes = this.#input.take();
    this.#isSwitched = true;
    this.#current = null;
    this.#owner.onGone(this);
    const { status, reason, rawHeaders } = parsed;
    const head = { status, reason, rawHeaders, bodyLength: null };
    current.listener.onSwitch(head, { stream: this.#stream, bytes });
  }

  // The request in hand.

  resume(): void {
    if (this.#isProcessing) return;
    this.#process();
    if (this.#isEnded) this.#finishAtEnd();
    if (!this.#isStopped || this.#current?.isPaused === true) return;
    this.#isStopped = false;
    this.#stream.resume();
  }

  /** Nobody waits for the answer any more. */
  abandon(current: Http1ClientStream): void {
    if (this.#current !== current) return;
    this.#current = null;
    this.#stream.destroy();
  }

  #complete(current: Http1ClientStream): void {
    const trailers = this.#body?.trailers ?? [];
    current.isAnswered = true;
    current.listener.onEnd(trailers);
    this.releaseIfOver();
  }

  /** The answer may be over before the request is: then its rest goes first. */
  releaseIfOver(): void {
    const current = this.#current;
    if (current === null || !current.isAnswered || !current.isSent) return;
    this.#current = null;
    const hasMore = this.#input.length > 0;
    const head = this.#head;
    const isKept = head !== null && head.isKeptAlive && head.framing !== "close";
    if (!isKept || hasMore || this.#isEnded) this.#stream.destroy();
    else this.#free(current, head.keepAliveSeconds);
  }

  #free(last: Http1ClientStream, keepAliveSeconds: number | null): void {
    // The end of the answer may still be on its way to a client that is slow.
    if (last.isPaused) this.#stream.leaveBuffer();
    if (this.#isStopped) this.#stream.resume();
    this.#isStopped = false;
    this.#owner.onFree(this, keepAliveSeconds);
  }

  // The end.

  #fail(message: string): void {
    this.#settle({ kind: "failed", message, isConnectionLoss: false, code: null });
    this.#stream.destroy();
  }

  #settle(error: UpstreamError): void {
    const current = this.#current;
    this.#current = null;
    this.#input.clear();
    if (current === null) return;
    const wasAnswered = current.isAnswered;
    current.drop();
    if (!wasAnswered) current.listener.onError(error);
  }

  onEnd(): void {
    this.#isEnded = true;
    if (!this.#isSwitched) this.#finishAtEnd();
  }

  /** What is still held back for a slow client goes first. */
  #finishAtEnd(): void {
    const current = this.#current;
    if (current !== null && current.isPaused && this.#input.length > 0) return;
    if (current !== null && !current.isAnswered && this.#body?.endsWithConnection === true) {
      this.#current = null;
      current.drop();
      current.listener.onEnd([]);
    }
    this.#stream.destroy();
  }

  onDrain(): void {
    this.#current?.listener.onDrain();
  }

  onClose(): void {
    this.#owner.onGone(this);
    const { error } = this.#stream;
    const isLost = !this.#hasAnswered;
    const why = error?.message ?? "the connection was closed";
    const isUnreachable = error !== null && isLost && unreachable.has(error.code ?? "");
    this.#settle({
      kind: isUnreachable ? "unreachable" : "failed",
      message: this.#hasAnswered ? `the answer broke off: ${why}` : why,
      isConnectionLoss: isLost && !isUnreachable,
      code: null,
    });
  }
}

const unreachable = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
  "EMFILE",
]);
