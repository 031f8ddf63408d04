/** A request to the application by HTTP/2, and its answer. */
import type {
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  RawHeaders,
  UpstreamError,
} from "../http/message.ts";
import { errorCodes } from "./error-code.ts";
import { readTrailers } from "./message-fields.ts";
import { requestFields, trailerFields } from "./outgoing-fields.ts";
import { readResponseHead } from "./response-head.ts";
import type { Block } from "./session.ts";
import { type Loss, Stream, type StreamHost } from "./stream.ts";

const nobody: ClientStreamListener = {
  onInformation: () => undefined,
  onHead: () => undefined,
  onData: () => true,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onSwitch: () => undefined,
  onError: () => undefined,
};

/** Servers may send some; none sends this many. */
const maxInformation = 32;

/** The connection that carries it, or is to carry it. */
export interface ClientStreamHost extends StreamHost {
  /** It has not begun, and never will. */
  forget(stream: Http2ClientStream): void;
}

export class Http2ClientStream extends Stream implements ClientStream {
  readonly request: OutgoingRequest;
  #listener: ClientStreamListener;
  #hasHead = false;
  /** The application has answered, and ended the stream before the request was over. */
  #isUnread = false;
  #informationLeft = maxInformation;
  #carrier: ClientStreamHost;

  constructor(host: ClientStreamHost, request: OutgoingRequest, listener: ClientStreamListener) {
    super(host, true);
    this.#carrier = host;
    this.request = request;
    this.#listener = listener;
  }

  begin(id: number, host: ClientStreamHost): void {
    this.#carrier = host;
    this.enter(id, host);
    const isBodyless = this.request.bodyLength === 0;
    host.sendHeaders(this, requestFields(this.request), isBodyless);
    if (isBodyless) this.markLocalEnd();
    else this.startSending();
  }

  /** False also when the application has answered and reads no more: then there is no `onDrain`. */
  sendData(chunk: Buffer): boolean {
    return !this.#isUnread && this.send(chunk);
  }

  sendEnd(trailers: RawHeaders): void {
    this.sendLast(trailerFields(trailers));
  }

  pause(): void {
    this.stopFlow();
  }

  resume(): void {
    this.startFlow();
  }

  abort(code?: number): void {
    this.#listener = nobody;
    this.dropQueue();
    if (this.id > 0) this.host.resetStream(this, code ?? errorCodes.CANCEL);
    else this.#carrier.forget(this);
    this.markOver();
  }

  receiveBlock(block: Block): void {
    if (this.hasRemoteEnded) {
      this.host.breakOff(this, errorCodes.STREAM_CLOSED, "HEADERS after the end of the answer");
    } else if (block.isOversized) {
      this.onMalformed("the headers are too large");
    } else if (this.#hasHead) this.#receiveTrailers(block);
    else this.#receiveHead(block);
  }

  #receiveTrailers({ fields, endStream }: Block): void {
    const read = readTrailers(fields);
    if (read.kind === "bad") this.onMalformed(read.detail);
    else if (!endStream) this.onMalformed("trailers do not end the answer");
    else this.receiveEnd(read.trailers);
  }

  #receiveHead({ fields, endStream }: Block): void {
    const read = readResponseHead(fields);
    if (read.kind === "bad") {
      this.onMalformed(read.detail);
      return;
    }
    const { status, rawHeaders, contentLength } = read;
    if (status < 200) {
      this.#informationLeft -= 1;
      if (endStream) this.onMalformed("the answer ends with an interim one");
      else if (this.#informationLeft < 0) this.onMalformed("too many interim answers");
      else this.#listener.onInformation(status, rawHeaders);
      return;
    }
    this.#hasHead = true;
    // These have a length, and no body (RFC 9110, 6.4.1 and 8.6).
    const isBodyless = this.request.method === "HEAD" || status === 204 || status === 304;
    this.expectedBytes = isBodyless ? 0 : contentLength;
    const bodyLength = isBodyless || endStream ? 0 : contentLength;
    this.#listener.onHead({ status, reason: "", rawHeaders, bodyLength });
    if (endStream && !this.isOver) this.receiveEnd([]);
  }

  protected emitData(chunk: Buffer): boolean {
    return this.#listener.onData(chunk);
  }

  protected emitEnd(trailers: RawHeaders): void {
    this.#listener.onEnd(trailers);
  }

  protected emitDrain(): void {
    this.#listener.onDrain();
  }

  protected onLocalEnd(): void {
    if (this.hasRemoteEnded) this.host.onStreamOver(this);
  }

  onMalformed(detail: string): void {
    this.host.breakOff(this, errorCodes.PROTOCOL_ERROR, detail);
  }

  /** An answer that is whole stays so, whatever becomes of the rest of the request. */
  onLost({ code, detail, isConnectionLoss }: Loss): void {
    if (this.hasRemoteEnded) {
      this.#isUnread = true;
      return;
    }
    const hasAnswered = this.#hasHead || this.#informationLeft < maxInformation;
    this.failWith({
      kind: "failed",
      message: detail,
      // The application has not even looked at it (RFC 9113, 8.7).
      isConnectionLoss: code === errorCodes.REFUSED_STREAM || (isConnectionLoss && !hasAnswered),
      code,
    });
  }

  failWith(error: UpstreamError): void {
    const listener = this.#listener;
    this.#listener = nobody;
    this.dropQueue();
    this.markOver();
    listener.onError(error);
  }
}
