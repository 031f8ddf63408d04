/**
 * The HTTPS server of `POST /mutate` and `POST /warn`: limits, timeouts, certificates that change while it serves,
 * and a shutdown that loses no request. What a request means is decided in admission/.
 */
import type { Server as NetServer, Socket } from "node:net";
import { createServer } from "node:https";
import type { Server } from "node:https";
import express from "express";
import type { ErrorRequestHandler, Express, Request, Response } from "express";
import type { Admit } from "./admission/handler.ts";
import { buildReview, parseReview } from "./admission/review.ts";
import { InjectorError, errorTable, messageOf } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import type { Log } from "./telemetry/log.ts";
import type { ServingCertificate } from "./tls/certificates.ts";

/** A pod of the largest size etcd takes (1.5 MiB) with its escapes, several times over. */
export const maxBodyBytes = 8 * 1024 * 1024;
/** The API server keeps idle connections for 90 s; whoever closes first must not be us. */
const keepAliveMs = 95_000;
const headersMs = 5000;
/** A whole request comes from the control plane in milliseconds. */
const requestMs = 5000;
const defaultTimeoutMs = 5000;
const plainHttpAnswer = [
  "HTTP/1.1 400 Bad Request",
  "content-type: text/plain",
  "connection: close",
  "",
  "Cannot answer: this port speaks HTTPS, and the request is plain HTTP\n",
].join("\r\n");
/** Part of the API server's timeout in which the answer is made; the rest is for the way back. */
const budgetShare = 0.8;

export interface WebhookDeps {
  /** Pods, at /mutate. */
  readonly admit: Admit;
  /** Workloads, at /warn. */
  readonly warn: Admit;
  /** A request that was no admission. */
  readonly refused: (code: ErrorCode) => void;
  readonly log: Log;
}

export interface WebhookServer {
  /** Serves with this certificate from the next handshake on. Throws when it does not fit its key. */
  setCertificate(certificate: ServingCertificate): void;
  /** Resolves to the port. A certificate must be set. */
  listen(port: number): Promise<number>;
  /** From now on each response closes its connection. */
  drain(): void;
  /** Takes no more connections; resolves when all requests are answered, or after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export function createWebhookServer(deps: WebhookDeps): WebhookServer {
  let draining = false;
  const app = createApp(deps, () => draining);
  const tls = { minVersion: "TLSv1.2" as const };
  const server: Server = createServer(
    {
      ...tls,
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 1000,
      handshakeTimeout: headersMs,
    },
    app,
  );
  answerPlainHttp(server, deps);
  return {
    setCertificate: (certificate) => server.setSecureContext({ ...tls, ...certificate }),
    listen: (port) =>
      listen(server, port, (error) => deps.log.warn({ error: error.message }, "server error")),
    drain: () => {
      draining = true;
    },
    close: (timeoutMs) => close(server, timeoutMs),
  };
}

/** What begins like a request line is answered as Go's servers do, so that people see their mistake. */
function answerPlainHttp(server: Server, { log, refused }: WebhookDeps): void {
  const raw = new Map<string, Socket>();
  server.prependListener("connection", (socket: Socket) => {
    const key = keyOf(socket);
    raw.set(key, socket);
    socket.on("close", () => raw.delete(key));
  });
  server.on("tlsClientError", (error: Error, socket: Socket) => {
    log.debug({ error: error.message }, "TLS handshake failed");
    if ("code" in error && error.code === "ERR_SSL_HTTP_REQUEST") {
      refused("plain_http");
      // Past TLS, whose own socket can send nothing any more.
      raw.get(keyOf(socket))?.write(plainHttpAnswer);
    }
    socket.destroy();
  });
}

function keyOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Resolves to the port that was taken; both families where there are two. Later errors, such as no
 * file descriptor left for one more connection, are told to `onError` and end nothing.
 */
export function listen(
  server: NetServer,
  port: number,
  onError: (error: Error) => void,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const refuse = (error: Error): void => {
    const message = `Cannot listen on port ${port}: ${messageOf(error)}`;
    reject(new InjectorError("start_failed", message, error));
  };
  server.once("error", refuse);
  server.listen(port, () => {
    server.off("error", refuse);
    server.on("error", onError);
    const address = server.address();
    resolve(typeof address === "object" && address !== null ? address.port : port);
  });
  return promise;
}

async function close(server: Server, timeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await promise;
  clearTimeout(timer);
}

function createApp(deps: WebhookDeps, isDraining: () => boolean): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const reply: Reply = (response, status, content) => {
    // RFC 9112, 9.6: the client opens its next connection elsewhere. Decided when the answer is
    // sent, so that the last answers of a connection end it too.
    if (isDraining()) response.setHeader("connection", "close");
    response.status(status).json(content);
  };
  const body = express.raw({ type: "application/json", limit: maxBodyBytes, inflate: false });
  // Express 5 hands a rejection to the error handler.
  for (const [path, admit] of Object.entries({ "/mutate": deps.admit, "/warn": deps.warn })) {
    app.post(path, body, (request, response) =>
      answer(request, admit).then((review) => reply(response, 200, review)),
    );
  }
  app.use((_request, response) => {
    const message = "Cannot answer: only POST /mutate and POST /warn are served";
    reply(response, 404, { message });
  });
  app.use(createErrorHandler(deps, reply));
  return app;
}

type Reply = (response: Response, status: number, content: object) => void;

async function answer(request: Request, admit: Admit): Promise<object> {
  const bytes: unknown = request.body;
  if (!(bytes instanceof Uint8Array)) {
    const type = request.get("content-type") ?? "";
    const message = `Cannot read content type "${type}": accepted is application/json, with a body`;
    throw new InjectorError("media_type_unsupported", message);
  }
  const review = parseReview(bytes);
  if (review.kind === "malformed") throw new InjectorError("review_malformed", review.message);
  const budget = budgetMs(request.query["timeout"]);
  return buildReview(review.request.uid, await admit(review.request, budget));
}

/** The API server says how long it waits: `?timeout=5s`. */
export function budgetMs(timeout: unknown): number {
  const seconds = typeof timeout === "string" ? /^([1-9]\d?)s$/.exec(timeout)?.[1] : undefined;
  return budgetShare * (seconds === undefined ? defaultTimeoutMs : Number(seconds) * 1000);
}

function createErrorHandler({ refused, log }: WebhookDeps, reply: Reply): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    const failure = asFailure(error);
    refused(failure.code);
    const level = failure.code === "internal" ? "error" : "warn";
    log[level](
      { code: failure.code, detail: failure.message, error: failure.cause },
      "request refused",
    );
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { code, message } = failure;
    reply(response, errorTable[code].status, { code, message });
  };
}

/** What the body parser throws has a `type`, which is its documented contract. */
function asFailure(error: unknown): InjectorError {
  if (error instanceof InjectorError) return error;
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : "";
  if (type === "entity.too.large") {
    const message = `Cannot read the request: it is larger than ${maxBodyBytes} bytes`;
    return new InjectorError("body_too_large", message, error);
  }
  if (type === "encoding.unsupported") {
    const message = "Cannot read the request: it is compressed";
    return new InjectorError("media_type_unsupported", message, error);
  }
  if (type === "request.aborted" || type === "request.size.invalid") {
    return new InjectorError("review_malformed", "Cannot read the request: it ended early", error);
  }
  return new InjectorError("internal", messageOf(error), error);
}
