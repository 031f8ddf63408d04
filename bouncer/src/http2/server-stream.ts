/** A request that came by HTTP/2, and its answer. */
import type {
  ClientConnection,
  RawHeaders,
  RequestMessage,
  ResponseHead,
  ServerStream,
  ServerStreamListener,
} from "../http/message.ts";
import { errorCodes } from "./error-code.ts";
import { responseFields, trailerFields } from "./outgoing-fields.ts";
import { type Loss, Stream, type StreamHost } from "./stream.ts";

export interface ServerStreamHost extends StreamHost {
  readonly connection: ClientConnection;
  /** The client is to open a new connection for its next requests. */
  close(): void;
}

const nobody: ServerStreamListener = {
  onData: () => true,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};

const nothing: RawHeaders = [];

export class Http2ServerStream extends Stream implements ServerStream {
  readonly request: RequestMessage;
  readonly #host: ServerStreamHost;
  #listener: ServerStreamListener = nobody;
  #isClosed = false;
  #isSent = false;
  #hasHead = false;
  /** What the stream is ended with when the answer is out, and the request is not over. */
  #resetCode: number = errorCodes.NO_ERROR;
  #expectsContinue: boolean;

  /** `endStream`: its head was all of it. */
  constructor(id: number, host: ServerStreamHost, request: RequestMessage, endStream: boolean) {
    super(host, false);
    this.enter(id, host);
    this.#host = host;
    this.request = request;
    this.hasRemoteEnded = endStream;
    this.expectedBytes = request.bodyLength;
    this.#expectsContinue = request.expectsContinue;
  }

  get connection(): ClientConnection {
    return this.#host.connection;
  }

  get hasEnded(): boolean {
    return this.hasRemoteEnded;
  }

  /** Of a request that is none: nobody reads on. */
  refuseBody(): void {
    this.expectedBytes = null;
    this.discard();
  }

  /** The answer to a request that is none. */
  sendRejection(body: Buffer, code: number): void {
    this.#resetCode = code;
    if (body.length > 0) this.send(body);
    this.sendLast(nothing);
  }

  /** The answer has begun. */
  get hasHead(): boolean {
    return this.#hasHead;
  }

  attach(listener: ServerStreamListener): void {
    this.#listener = listener;
  }

  resumeBody(): void {
    if (!this.#isClosed) this.startFlow();
  }

  pauseBody(): void {
    this.stopFlow();
  }

  discardBody(): void {
    this.discard();
    if (!this.#isSent || this.isOver) return;
    this.#giveUpBody();
    this.#closeIfOver();
  }

  sendContinue(): void {
    if (!this.#expectsContinue) return;
    this.#expectsContinue = false;
    this.sendInformation(100, nothing);
  }

  sendInformation(status: number, rawHeaders: RawHeaders): void {
    if (this.isOver || this.#hasHead) return;
    this.host.sendHeaders(this, responseFields(status, rawHeaders), false);
  }

  sendHead(head: ResponseHead, options: { readonly close: boolean }): void {
    if (this.isOver || this.#hasHead) return;
    this.#hasHead = true;
    this.host.sendHeaders(this, responseFields(head.status, head.rawHeaders), false);
    if (options.close) this.#host.close();
  }

  sendData(chunk: Buffer): boolean {
    return this.send(chunk);
  }

  sendEnd(trailers: RawHeaders): void {
    this.sendLast(trailerFields(trailers));
  }

  abort(code?: number): void {
    if (this.#isClosed) return;
    this.host.resetStream(this, code ?? errorCodes.INTERNAL_ERROR);
    this.#close("aborted");
  }

  switchProtocols(): null {
    return null;
  }

  protected emitData(chunk: Buffer): boolean {
    return this.#listener.onData(chunk);
  }

  protected emitEnd(trailers: RawHeaders): void {
    this.#listener.onEnd(trailers);
    this.#closeIfOver();
  }

  protected emitDrain(): void {
    if (!this.#isClosed) this.#listener.onDrain();
  }

  protected onLocalEnd(): void {
    this.#host.outbox.awaitSent(this);
    if (this.hasRemoteEnded && this.#resetCode === errorCodes.NO_ERROR) {
      this.#host.onStreamOver(this);
    }
  }

  /** Whether the rest of a body that nobody wants comes with what was just read is known by now. */
  onSent(): void {
    this.#isSent = true;
    if (this.isBodyOver && !this.isOver) this.#giveUpBody();
    this.#closeIfOver();
  }

  onUnsent(): void {
    this.#close("aborted");
  }

  /** The answer is whole: nothing is gained by reading the rest (RFC 9113, 8.1). */
  #giveUpBody(): void {
    this.#host.resetStream(this, this.#resetCode);
  }

  #closeIfOver(): void {
    if (this.#isSent && (this.isBodyOver || this.isOver)) this.#close("sent");
  }

  onMalformed(): void {
    this.host.resetStream(this, errorCodes.PROTOCOL_ERROR);
    this.#close("aborted");
  }

  onLost({ isConnectionLoss }: Loss): void {
    const isSent = this.#isSent || (this.hasLocalEnded && !isConnectionLoss);
    this.#close(isSent ? "sent" : "aborted");
  }

  #close(outcome: "sent" | "aborted"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.dropQueue();
    const listener = this.#listener;
    this.#listener = nobody;
    listener.onClose(outcome);
  }
}
