/** One request on an HTTP/1 connection to the application, as its sender sees it. */
import type {
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  RawHeaders,
} from "../http/message.ts";
import type { BodyTaker } from "./body-reader.ts";
import type { Http1ClientConnection } from "./client-connection.ts";
import type { MessageWriter } from "./message-writer.ts";

export class Http1ClientStream implements ClientStream, BodyTaker {
  readonly request: OutgoingRequest;
  readonly listener: ClientStreamListener;
  isAnswered = false;
  /** All of the request is written. */
  isSent: boolean;
  isPaused = false;
  readonly #connection: Http1ClientConnection;
  readonly #writer: MessageWriter;
  #isDropped = false;

  constructor(
    connection: Http1ClientConnection,
    writer: MessageWriter,
    request: OutgoingRequest,
    listener: ClientStreamListener,
  ) {
    this.#connection = connection;
    this.#writer = writer;
    this.request = request;
    this.listener = listener;
    this.isSent = request.bodyLength === 0;
  }

  take(chunk: Buffer): void {
    if (!this.#isDropped && !this.listener.onData(chunk)) this.isPaused = true;
  }

  /** Nothing that is sent from now on reaches anybody. */
  drop(): void {
    this.#isDropped = true;
  }

  sendData(chunk: Buffer): boolean {
    return this.#isDropped || this.isSent || this.#writer.data(chunk);
  }

  sendEnd(trailers: RawHeaders): void {
    if (this.#isDropped || this.isSent) return;
    this.#writer.end(trailers);
    this.isSent = true;
    this.#connection.releaseIfOver();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (this.#isDropped) return;
    this.isPaused = false;
    this.#connection.resume();
  }

  abort(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#connection.abandon(this);
  }
}
