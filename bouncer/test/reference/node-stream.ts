/** One request that node:http has read and its answer, as the interface has it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { keep } from "../../src/http/bytes.ts";
import type {
  ClientConnection,
  RawHeaders,
  RequestMessage,
  ResponseHead,
  ServerStream,
  ServerStreamListener,
  Switched,
} from "../../src/http/message.ts";
import { SocketStream } from "../../src/http/socket-stream.ts";
import { describeRequest } from "./node-head.ts";

/** How long a body that nobody wants is read, and how long its client may be silent. */
const maxDiscardMs = 30_000;
const maxSilenceMs = 5000;

export interface NodeExchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: ClientConnection;
  /** What came behind the head of a request to switch protocols, else null. */
  readonly bytes: Buffer | null;
}

export class NodeServerStream implements ServerStream {
  readonly request: RequestMessage;
  readonly connection: ClientConnection;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #bytes: Buffer | null;
  #listener: ServerStreamListener | null = null;
  #isWaitingForContinue: boolean;
  #isDiscarded = false;
  #isOver = false;
  #isDelimitedByClose = false;

  constructor({ message, response, connection, bytes }: NodeExchange) {
    this.request = describeRequest(message);
    this.connection = connection;
    this.#message = message;
    this.#response = response;
    this.#bytes = bytes;
    this.#isWaitingForContinue = this.request.expectsContinue;
    // The date is the handler's.
    response.sendDate = false;
    response.on("drain", () => this.#listener?.onDrain());
    response.once("close", () => {
      this.#onResponseClose();
    });
  }

  attach(listener: ServerStreamListener): void {
    this.#listener = listener;
    if (this.request.bodyLength === 0) return;
    const message = this.#message;
    message.on("data", (chunk: Buffer) => {
      if (!this.#isDiscarded && this.#listener?.onData(chunk) === false) message.pause();
    });
    message.on("end", () => {
      if (!this.#isDiscarded) this.#listener?.onEnd(message.rawTrailers);
      if (this.#response.writableFinished) this.#settle("sent");
    });
    message.on("close", () => {
      if (!message.complete) this.#settle("aborted");
    });
    message.on("error", () => {
      // `close` comes, too.
    });
    message.pause();
  }

  #onResponseClose(): void {
    if (!this.#response.writableFinished) this.#settle("aborted");
    else if (this.request.bodyLength === 0 || this.#message.complete) this.#settle("sent");
    else this.#limitRest();
  }

  #settle(outcome: "sent" | "aborted"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener?.onClose(outcome);
  }

  resumeBody(): void {
    this.#message.resume();
  }

  pauseBody(): void {
    this.#message.pause();
  }

  discardBody(): void {
    if (this.#message.complete) return;
    this.#isDiscarded = true;
    this.#limitRest();
    this.#message.resume();
  }

  /** A connection that is closed with bytes unread is reset (RFC 9112, 9.6): only if it takes long. */
  #limitRest(): void {
    const giveUp = (): void => {
      this.#message.destroy();
    };
    const silence = setTimeout(giveUp, maxSilenceMs);
    const whole = setTimeout(giveUp, maxDiscardMs);
    this.#message.once("close", () => {
      clearTimeout(silence);
      clearTimeout(whole);
    });
    this.#message.on("data", () => {
      silence.refresh();
    });
  }

  sendContinue(): void {
    if (!this.#isWaitingForContinue) return;
    this.#isWaitingForContinue = false;
    this.#response.writeContinue();
  }

  sendInformation(status: number, rawHeaders: RawHeaders): void {
    if (this.request.version === "1.0" || this.#response.headersSent) return;
    this.#response.writeInformation(status, [...rawHeaders]);
  }

  sendHead(head: ResponseHead, { close }: { readonly close: boolean }): void {
    const response = this.#response;
    if (this.#isOver || response.headersSent) return;
    this.#isDelimitedByClose = head.bodyLength === null && this.request.version === "1.0";
    // After an unanswered Expect nobody can tell whether the body is still to come.
    const isLast = close || this.#isWaitingForContinue;
    const headers = isLast ? [...head.rawHeaders, "Connection", "close"] : [...head.rawHeaders];
    response.writeHead(head.status, head.reason, headers);
    // A head without a body yet goes out at once; one with a body goes out together with it.
    process.nextTick(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  sendData(chunk: Buffer): boolean {
    return this.#isOver || this.#response.write(keep(chunk));
  }

  sendEnd(trailers: RawHeaders): void {
    if (this.#isOver) return;
    const pairs: [name: string, value: string][] = [];
    for (let i = 0; i + 1 < trailers.length; i += 2) {
      pairs.push([trailers[i] ?? "", trailers[i + 1] ?? ""]);
    }
    if (pairs.length > 0) this.#response.addTrailers(pairs);
    this.#response.end();
  }

  abort(): void {
    if (this.#isDelimitedByClose) this.#message.socket.resetAndDestroy();
    else this.#response.destroy();
  }

  switchProtocols(rawHeaders: RawHeaders): Switched | null {
    const response = this.#response;
    const { socket } = response;
    const bytes = this.#bytes;
    if (this.#isOver || socket === null || bytes === null) return null;
    const lines = ["HTTP/1.1 101 Switching Protocols"];
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
    }
    this.#isOver = true;
    response.detachSocket(socket);
    socket.setTimeout(0);
    socket.write(`${lines.join("\r\n")}\r\nConnection: Upgrade\r\n\r\n`, "latin1");
    return { stream: SocketStream.wrap(socket), bytes };
  }
}
