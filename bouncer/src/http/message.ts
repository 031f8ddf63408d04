/**
 * What an HTTP codec gives and takes: requests that clients send (`ServerStream`) and requests that
 * the application is sent (`ClientStream`), whatever their version. The codecs know no policy, and
 * what is between them knows no sockets. Pure: types only.
 *
 * Bytes that are handed over are valid during the call, and beyond it only as `bytes.ts` says.
 * Listeners are called from the event loop or from within a method; codecs must bear any method of
 * theirs being called from within any listener.
 */
import type { Endpoint } from "../policy/decision.ts";

/** Name, value, name, value, ... in order and case as received; each character is one byte. */
export type RawHeaders = readonly string[];

export type HttpVersion = "1.0" | "1.1" | "2";

/**
 * What was made of a list of headers, kept with it by its codec and handed on with it for as long
 * as the same bytes come again on a connection: most clients and applications repeat themselves.
 */
export interface HeaderMemo {
  /** Of whoever reads the message. */
  made: object | null;
  /** The list as HTTP/1 writes it. */
  lines: HeaderLines | null;
}

/** Header lines that were checked; `formatLines` in `http1/header-lines.ts` makes them. */
export interface HeaderLines {
  readonly text: string;
}

/** The connection on which a request came. */
export interface ClientConnection {
  readonly source: Endpoint;
  /** Our own address on it, and the port of the application. */
  readonly destination: Endpoint;
  readonly scheme: "http" | "https";
  /** The client is in the pod itself. */
  readonly isLoopback: boolean;
}

/** The head of a request: where its body ends is beyond doubt, all else is unchecked. */
export interface RequestMessage {
  readonly method: string;
  /** As received, in whatever form (RFC 9112, 3.2); of HTTP/2 `:path`. */
  readonly target: string;
  readonly version: HttpVersion;
  /** Of HTTP/2 without pseudo-headers, but with `host`, made of `:authority` where it is missing. */
  readonly rawHeaders: RawHeaders;
  /** Bytes; null: not known before its end. 0: there is none. */
  readonly bodyLength: number | null;
  /** The client waits for 100 (RFC 9110, 10.1.1), unless its body is there already. */
  readonly expectsContinue: boolean;
  /** The tokens of Upgrade, if Connection names it; HTTP/1.1 only. */
  readonly upgrade: readonly string[];
  /** Goes with `rawHeaders`. */
  readonly memo?: HeaderMemo;
}

export interface ResponseHead {
  readonly status: number;
  /** Reason phrase; lost in HTTP/2. */
  readonly reason: string;
  /** Without what frames the message, but for Content-Length; a codec adds its own framing. */
  readonly rawHeaders: RawHeaders;
  /** Bytes; null: not known before its end. 0 for answers that have none (HEAD, 204, 304). */
  readonly bodyLength: number | null;
  /** Goes with `rawHeaders`. */
  readonly memo?: HeaderMemo;
}

/** Why bytes are not a request: reasons of `errors.ts`. */
export type RejectReason =
  | "bad_request"
  | "ambiguous_request"
  | "headers_too_large"
  | "request_timeout";

export interface Rejection {
  readonly connection: ClientConnection;
  readonly reason: RejectReason;
  /** For logs and the audit record. */
  readonly detail: string;
  /** What the client gets; then the connection is closed, or in HTTP/2 the stream. */
  readonly answer: (head: ResponseHead, body: Buffer) => void;
}

/** Whoever answers requests. */
export interface RequestHandler {
  /** Once for each request; attaches a listener before it returns. */
  onRequest(stream: ServerStream): void;
  onRejection(rejection: Rejection): void;
}

/** One request of a client, and its answer. No method throws; after `onClose`, none does anything. */
export interface ServerStream {
  readonly request: RequestMessage;
  readonly connection: ClientConnection;
  attach(listener: ServerStreamListener): void;
  /** Begins, or goes on, to hand over the body. Before, no more is read than came by itself. */
  resumeBody(): void;
  pauseBody(): void;
  /** Drops the rest of the body, within bounds of size and time; the listener hears no more of it. */
  discardBody(): void;
  /** 100 Continue, if the client waits for it. */
  sendContinue(): void;
  /** 103 and others; nothing where the version has none. */
  sendInformation(status: number, rawHeaders: RawHeaders): void;
  /** Goes out together with the first bytes of the body, at the latest at the end of this turn. */
  sendHead(head: ResponseHead, options: { readonly close: boolean }): void;
  /** False: no more before `onDrain`. */
  sendData(chunk: Buffer): boolean;
  sendEnd(trailers: RawHeaders): void;
  /** Breaks off so that the client sees that the answer is not whole. `code`: of HTTP/2. */
  abort(code?: number): void;
  /** Answers 101; from then on the connection is the caller's. null: it is gone or cannot. */
  switchProtocols(rawHeaders: RawHeaders): Switched | null;
}

/** A connection as bytes: what is left of it when it no longer carries HTTP. */
export interface ByteStream {
  /** Takes the place of whoever listened before. */
  attach(listener: ByteStreamListener): void;
  pause(): void;
  resume(): void;
  /** False: no more before `onDrain`. */
  write(chunk: Buffer): boolean;
  /** No more from us; what the other side says is still read. */
  end(): void;
  /** Closes it, in the way that says to the other side that it was cut off. */
  reset(): void;
  /** Closes it when what was written is out. */
  close(): void;
}

export interface ByteStreamListener {
  /** False: no more before `resume`. */
  onData(chunk: Buffer): boolean;
  /** The other side has ended. */
  onEnd(): void;
  onDrain(): void;
  /** The last call; `isClean`: both sides had ended. */
  onClose(isClean: boolean): void;
}

export interface Switched {
  readonly stream: ByteStream;
  /** What came behind the head. */
  readonly bytes: Buffer;
}

export interface ServerStreamListener {
  /** False: no more before `resumeBody`. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: RawHeaders): void;
  onDrain(): void;
  /**
   * The last call: `sent`: the client has its whole answer, and its body was read or given up;
   * `aborted`: one side broke off.
   */
  onClose(outcome: "sent" | "aborted"): void;
}

/** The application behind one port. */
export interface Upstream {
  send(request: OutgoingRequest, listener: ClientStreamListener): ClientStream;
  close(): void;
}

export interface OutgoingRequest {
  readonly method: string;
  /** In origin form, or `*`. */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** With Host; without what frames the message, but for Content-Length. */
  readonly rawHeaders: RawHeaders;
  /** Bytes; null: not known before its end. 0: there is none. */
  readonly bodyLength: number | null;
  /** The body is sent only after `onInformation(100)` or when the client sends it unasked. */
  readonly expectsContinue: boolean;
  /** Protocol to switch to, or null. */
  readonly upgrade: string | null;
  /** On a connection of its own: a kept one has just turned out to be dead. */
  readonly isRetry: boolean;
  /** Goes with `rawHeaders`. */
  readonly memo?: HeaderMemo;
}

/**
 * One request to the application, and its answer. After `onError` and `onSwitch` it is over; after
 * `onEnd` the rest of the request may still be sent, and is dropped where nobody reads it.
 */
export interface ClientStream {
  /** False: no more before `onDrain`. */
  sendData(chunk: Buffer): boolean;
  sendEnd(trailers: RawHeaders): void;
  pause(): void;
  resume(): void;
  /** Nobody waits for the answer any more; the listener hears nothing more. `code`: of HTTP/2. */
  abort(code?: number): void;
}

export interface ClientStreamListener {
  /** Interim responses but 101. */
  onInformation(status: number, rawHeaders: RawHeaders): void;
  /** `rawHeaders` as received, with what is for one connection only. */
  onHead(head: ResponseHead): void;
  /** False: no more before `resume`. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: RawHeaders): void;
  onDrain(): void;
  onSwitch(head: ResponseHead, switched: Switched): void;
  onError(error: UpstreamError): void;
}

export interface UpstreamError {
  /** `unreachable`: no connection; `failed`: it broke, or what came was no answer. */
  readonly kind: "unreachable" | "failed" | "internal";
  readonly message: string;
  /** The connection was lost before any answer: the application may never have seen the request. */
  readonly isConnectionLoss: boolean;
  /** What the application reset the stream with (RFC 9113, 7); null: it did not. */
  readonly code: number | null;
}

/** One connection of a client, as its listener keeps it. */
export interface ServerConnection {
  /** No request any more but those that are here: ends when they are over. */
  close(): void;
  destroy(): void;
  /** Called about once a second with `performance.now()`: closes what has been silent for too long. */
  check(now: number): void;
}

/** Of every codec on the clients' side. */
export interface ServerLimits {
  /** Request line and headers; of HTTP/2 the list as RFC 9113, 6.5.2 counts it. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How long a client that has ended its side may wait for its answer to begin. */
  readonly halfClosedMs: number;
}
