/**
 * One request on an HTTP/1 connection and its answer: hands over the body, frames the answer, and
 * knows when both are over and whether the connection can carry another request after that.
 */
import type {
  ClientConnection,
  HeaderLines,
  RawHeaders,
  RequestMessage,
  ResponseHead,
  ServerStream,
  ServerStreamListener,
  Switched,
} from "../http/message.ts";
import type { BodyReader, BodyTaker } from "./body-reader.ts";
import type { MessageWriter } from "./message-writer.ts";
import { formatLines } from "./header-lines.ts";
import { formatResponseHead } from "./serialize.ts";

/** The connection, as far as its request needs it. */
export interface ServerStreamHost {
  readonly connection: ClientConnection;
  readonly writer: MessageWriter;
  /** The connection takes no more requests. */
  readonly isClosing: boolean;
  /** Bytes of the body are wanted that may be there already. */
  wantBody(): void;
  /** The answer is written; whether the request is over, the stream says. */
  onAnswered(): void;
  onSwitch(): Switched;
  /** `isReset`: the end of the connection must not look like the end of the answer. */
  breakOff(isReset: boolean): void;
}

interface Parts {
  readonly host: ServerStreamHost;
  readonly request: RequestMessage;
  /** null: there is no body. */
  readonly body: BodyReader | null;
  /** The client lets the connection be used again. */
  readonly isKeptAlive: boolean;
}

/** Of interim responses; 101 is written elsewhere. */
const phrases: Readonly<Record<number, string>> = {
  100: "Continue",
  102: "Processing",
  103: "Early Hints",
};

/** `held`: nobody has asked for it yet. */
type Flow = "held" | "flowing" | "paused" | "dropped";

export class Http1ServerStream implements ServerStream, BodyTaker {
  readonly request: RequestMessage;
  readonly connection: ClientConnection;
  readonly #host: ServerStreamHost;
  readonly #body: BodyReader | null;
  #listener: ServerStreamListener | null = null;
  #flow: Flow = "held";
  #isWaitingForContinue: boolean;
  #isHeadSent = false;
  #isAnswered = false;
  #isOver = false;
  /** All of the answer is out of the process. */
  isOut = false;
  #isLast: boolean;
  #isEndTold = false;
  #isDelimitedByClose = false;

  constructor({ host, request, body, isKeptAlive }: Parts) {
    this.request = request;
    this.connection = host.connection;
    this.#host = host;
    this.#body = body;
    this.#isLast = !isKeptAlive;
    this.#isWaitingForContinue = request.expectsContinue;
  }

  attach(listener: ServerStreamListener): void {
    this.#listener = listener;
  }

  // What the connection asks and tells.

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** No request can follow on the connection. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** All of the request was read. */
  get isRead(): boolean {
    return this.#body === null || this.#body.isDone;
  }

  get wantsBody(): boolean {
    return !this.isRead && (this.#flow === "flowing" || this.#flow === "dropped");
  }

  get isHeld(): boolean {
    return this.#flow === "held" && !this.isRead;
  }

  /** All of it was read, and what was handed over of it last may still be on its way. */
  get isEndHeld(): boolean {
    return this.isRead && this.#flow === "paused";
  }

  /** Takes what is its body; answers with where that ends, or -1 when it is not a body. */
  readBody(bytes: Buffer, at: number): number {
    if (this.#body === null) return at;
    this.#isWaitingForContinue = false;
    const end = this.#body.read(bytes, at, this);
    if (this.#body.isMalformed) return -1;
    this.#tellEnd();
    return end;
  }

  take(chunk: Buffer): void {
    if (this.#flow === "dropped") return;
    const isWanted = this.#listener?.onData(chunk) ?? true;
    // It may have been given up within the call.
    if (!isWanted && this.#flow === "flowing") this.#flow = "paused";
  }

  /** Not before whoever had enough for the moment has asked for more. */
  #tellEnd(): void {
    if (this.#body?.isDone !== true || this.#flow !== "flowing" || this.#isEndTold) return;
    this.#isEndTold = true;
    this.#listener?.onEnd(this.#body.trailers);
  }

  onDrain(): void {
    this.#listener?.onDrain();
  }

  /** Once: no method does anything after this. */
  over(outcome: "sent" | "aborted"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener?.onClose(outcome);
  }

  // What the handler asks and tells.

  resumeBody(): void {
    if (this.#isOver || this.#flow === "dropped") return;
    this.#flow = "flowing";
    this.#tellEnd();
    this.#host.wantBody();
  }

  pauseBody(): void {
    if (this.#flow === "flowing") this.#flow = "paused";
  }

  discardBody(): void {
    if (this.#isOver || this.#flow === "dropped") return;
    this.#flow = "dropped";
    this.#host.wantBody();
  }

  sendContinue(): void {
    if (!this.#isWaitingForContinue || this.#isHeadSent) return;
    this.#isWaitingForContinue = false;
    this.#inform(100, []);
  }

  sendInformation(status: number, rawHeaders: RawHeaders): void {
    // RFC 9110, 15.2: HTTP/1.0 has no interim responses.
    if (this.request.version === "1.0" || this.#isHeadSent) return;
    if (status === 100) this.#isWaitingForContinue = false;
    this.#inform(status, rawHeaders);
  }

  #inform(status: number, rawHeaders: RawHeaders): void {
    if (this.#isOver) return;
    const { writer } = this.#host;
    const text = formatResponseHead(status, phrases[status] ?? "", rawHeaders, {
      isChunked: false,
      connection: null,
    });
    writer.begin(text, { isChunked: false });
    writer.flush();
  }

  sendHead(head: ResponseHead, { close }: { readonly close: boolean }): void {
    if (this.#isOver || this.#isHeadSent) return;
    const isOld = this.request.version === "1.0";
    const isUnbounded = head.bodyLength === null;
    this.#isDelimitedByClose = isUnbounded && isOld;
    // After an Expect that was not answered, nobody can tell whether the body still comes.
    const isUnsure = this.#isWaitingForContinue;
    if (close || this.#host.isClosing || this.#isDelimitedByClose || isUnsure) this.#isLast = true;
    const isChunked = isUnbounded && !isOld;
    const connection = this.#isLast ? "close" : isOld ? "keep-alive" : null;
    const { status, reason } = head;
    const headers = this.#headersOf(head);
    const text = formatResponseHead(status, reason, headers, { isChunked, connection });
    this.#isHeadSent = true;
    this.#host.writer.begin(text, { isChunked });
  }

  #headersOf(head: ResponseHead): RawHeaders | HeaderLines {
    const { rawHeaders, memo } = head;
    if (memo !== undefined) return formatLines(rawHeaders, memo);
    return this.#lacksLength(head) ? [...rawHeaders, "Content-Length", "0"] : rawHeaders;
  }

  /**
   * In HTTP/2 and in refusals of gRPC an answer may end with its head and not say so in a header;
   * here it would go on until the connection closes (RFC 9112, 6.3).
   */
  #lacksLength({ status, rawHeaders, bodyLength }: ResponseHead): boolean {
    if (bodyLength !== 0 || this.request.method === "HEAD") return false;
    if (status === 204 || status === 304) return false;
    return !rawHeaders.some((item, i) => i % 2 === 0 && item.toLowerCase() === "content-length");
  }

  sendData(chunk: Buffer): boolean {
    if (this.#isOver || this.#isAnswered) return true;
    return this.#host.writer.data(chunk);
  }

  sendEnd(trailers: RawHeaders): void {
    if (this.#isOver || this.#isAnswered) return;
    this.#isAnswered = true;
    this.#host.writer.end(trailers);
    // Nobody asked for it, and nobody will.
    if (this.isHeld) this.#flow = "dropped";
    this.#host.onAnswered();
  }

  abort(): void {
    if (!this.#isOver) this.#host.breakOff(this.#isDelimitedByClose);
  }

  switchProtocols(rawHeaders: RawHeaders): Switched | null {
    if (this.#isOver || this.#isHeadSent || !this.isRead) return null;
    const framing = { isChunked: false, connection: "Upgrade" } as const;
    const { writer } = this.#host;
    writer.begin(formatResponseHead(101, "Switching Protocols", rawHeaders, framing), framing);
    writer.flush();
    this.#isOver = true;
    return this.#host.onSwitch();
  }
}
