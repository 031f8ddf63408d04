/**
 * The reference on the application's side: undici in the place of our client, behind the same
 * interface. It sends the head of an upload together with its first bytes, has no trailers of
 * requests, and says 100 itself.
 */
import { connect, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Client, type Dispatcher, Pool } from "undici";
import type { Route } from "../../src/config.ts";
import type {
  ClientStream,
  ClientStreamListener,
  OutgoingRequest,
  RawHeaders,
  Upstream,
  UpstreamError,
} from "../../src/http/message.ts";
import { SocketStream } from "../../src/http/socket-stream.ts";
import type { Upstreams } from "../../src/proxy/server.ts";
import { valuesOf } from "./node-head.ts";
import { OutgoingBody } from "./undici-body.ts";

type ConnectCallback = (...result: [null, Socket] | [Error, null]) => void;

const unreachable = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
]);
const ours = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);
const died = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

export function createUndiciUpstreams({ target }: Route): Upstreams {
  const upstream = createUndiciUpstream(target.host, target.port);
  return {
    of: () => upstream,
    close: () => {
      upstream.close();
    },
  };
}

function createUndiciUpstream(host: string, port: number): Upstream {
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const options = {
    connect: (_options: unknown, callback: ConnectCallback) => {
      openSocket(host, port, callback);
    },
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
    maxHeaderSize: 64 * 1024,
    allowH2: false,
  };
  const pool = new Pool(origin, { ...options, connections: null });
  return {
    send: (request, listener) => {
      const stream = new UndiciStream(request, listener);
      if (request.isRetry) {
        const client = new Client(origin, options);
        client.dispatch({ ...stream.options, reset: true }, stream);
        void client.close().catch(() => undefined);
      } else pool.dispatch(stream.options, stream);
      return stream;
    },
    close: () => {
      void pool.destroy();
    },
  };
}

/** Half-open connections are allowed: upgraded ones are carried through in both directions. */
function openSocket(host: string, port: number, callback: ConnectCallback): void {
  const socket = connect({ host, port, noDelay: true, keepAlive: true, allowHalfOpen: true });
  const onError = (error: Error): void => {
    callback(error, null);
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    socket.off("error", onError);
    callback(null, socket);
  });
}

/** undici hands over raw headers as bytes; latin1 keeps every byte (RFC 9110, 5.5). */
function textOf(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  const items: readonly (Buffer | string)[] = Array.isArray(raw) ? raw : [];
  return items.map((item) => (typeof item === "string" ? item : item.toString("latin1")));
}

class UndiciStream implements ClientStream, Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  readonly #request: OutgoingRequest;
  readonly #listener: ClientStreamListener;
  readonly #body: OutgoingBody | null;
  #controller: Dispatcher.DispatchController | null = null;
  #hasAnswered = false;
  #isOver = false;

  constructor(request: OutgoingRequest, listener: ClientStreamListener) {
    this.#request = request;
    this.#listener = listener;
    const { method, target, rawHeaders, bodyLength, upgrade } = request;
    this.#body =
      bodyLength === 0
        ? null
        : new OutgoingBody(() => {
            if (!this.#isOver) listener.onDrain();
          });
    this.options = { method, path: target, headers: [...rawHeaders], body: this.#body, upgrade };
  }

  sendData(chunk: Buffer): boolean {
    return this.#body?.add(chunk) ?? true;
  }

  sendEnd(): void {
    this.#body?.finish();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    this.#isOver = true;
    const error = new Error("nobody waits for the answer");
    this.#controller?.abort(error);
    this.#body?.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) {
      controller.abort(new Error("nobody waits for the answer"));
      return;
    }
    if (this.#request.expectsContinue) this.#listener.onInformation(100, []);
  }

  onResponseStarted(): void {
    this.#hasAnswered = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    message?: string,
  ): void {
    if (this.#isOver) return;
    const rawHeaders = textOf(controller.rawHeaders);
    if (status < 200) this.#listener.onInformation(status, rawHeaders);
    else {
      const bodyLength = this.#lengthOf(status, rawHeaders);
      this.#listener.onHead({ status, reason: message ?? "", rawHeaders, bodyLength });
    }
  }

  #lengthOf(status: number, rawHeaders: RawHeaders): number | null {
    if (this.#request.method === "HEAD" || status === 204 || status === 304) return 0;
    const [length] = valuesOf(rawHeaders, "content-length");
    return length === undefined ? null : Number(length);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#listener.onData(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd(textOf(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.destroy();
    this.#listener.onError(describeError(error, this.#hasAnswered));
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    if (this.#isOver || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    this.#isOver = true;
    const rawHeaders = textOf(controller.rawHeaders);
    const stream = SocketStream.wrap(socket);
    this.#listener.onSwitch(
      { status, reason: "", rawHeaders, bodyLength: null },
      { stream, bytes: Buffer.of() },
    );
  }
}

function describeError(error: Error, hasAnswered: boolean): UpstreamError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const { message } = error;
  const isConnectionLoss = died.has(code) && !hasAnswered;
  if (unreachable.has(code)) return { kind: "unreachable", message, isConnectionLoss, code: null };
  return { kind: ours.has(code) ? "internal" : "failed", message, isConnectionLoss, code: null };
}
