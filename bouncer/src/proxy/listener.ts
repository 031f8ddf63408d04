/**
 * One node:http server in front of one port of the application: limits, and what node reports
 * outside of requests (unreadable input, upgrades, CONNECT), brought to the handler.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { type Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Route } from "../config.ts";
import { AppError, type RefusalReason } from "../errors.ts";
import type { Handler } from "./handler.ts";
import { readUpgrade } from "./head.ts";
import { localOf, peerOf } from "./peer.ts";
import { createRefusal } from "./refusal.ts";

export interface ListenerLimits {
  readonly maxHeaderBytes: number;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Longer idle than the proxies and clients in front of us, so that they close first. */
export const defaultLimits: ListenerLimits = {
  maxHeaderBytes: 64 * 1024,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
};

/** How long a client that was refused may take to close its side. */
const lingerMs = 2000;

/** How long a connection that was just made may take to its first byte while we stop. */
const unusedGraceMs = 500;

export interface Listener {
  readonly port: number;
  connections(): number;
  /** No new connections; those in use are closed when they become idle. */
  close(): Promise<void>;
  destroy(): void;
}

function createHttpServer(limits: ListenerLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headTimeoutMs),
    // Uploads and streams take as long as they take; their silence is limited in forward.ts.
    requestTimeout: 0,
    // Checked in head.ts, where the refusal has a reason and a record.
    requireHostHeader: false,
    noDelay: true,
    // Where this says no, node loses what a client sends in the same packet behind the request:
    // a client that pipelines behind a declined upgrade waits, and nobody else is concerned.
    shouldUpgradeCallback: (request) =>
      readUpgrade(request.httpVersion, request.rawHeaders) !== null,
  });
  // Node drops what is beyond its count without a word; ours is in head.ts, and refuses.
  server.maxHeadersCount = 0;
  return server;
}

/** What the parser refused, as a refusal; null: the connection broke, there is nobody to tell. */
function reasonOf(code: string): RefusalReason | null {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "headers_too_large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "request_timeout";
    case "HPE_INVALID_TRANSFER_ENCODING":
    case "HPE_INVALID_CONTENT_LENGTH":
    case "HPE_UNEXPECTED_CONTENT_LENGTH":
      return "ambiguous_request";
    default:
      return code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE" ? "bad_request" : null;
  }
}

/** What node reports about the connections of one server, brought to the handler. */
export async function startListener(
  route: Route,
  handler: Handler,
  limits: ListenerLimits = defaultLimits,
): Promise<Listener> {
  const server = createHttpServer(limits);
  const sockets = new Set<Socket>();
  const busy = new WeakSet<Duplex>();

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    busy.add(socket);
    response.once("close", () => busy.delete(socket));
    handler.handle(request, response, null);
  };
  /** Node hands over the bare socket; a response on it lets the one handler do the rest. */
  const onSwitch = (request: IncomingMessage, _socket: Duplex, bytes: Buffer): void => {
    const { socket } = request;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => {
      socket.destroySoon();
    });
    socket.on("error", () => socket.destroy());
    handler.handle(request, response, bytes);
  };
  const onClientError = (error: Error & { code?: string }, duplex: Duplex): void => {
    const reason = reasonOf(error.code ?? "");
    const unread = !(duplex instanceof Socket) || duplex.bytesRead === 0 || !duplex.writable;
    if (unread || reason === null || busy.has(duplex)) {
      duplex.destroy();
      return;
    }
    const destination = { address: localOf(duplex), port: route.target.port };
    const refusal = createRefusal(reason, error.message);
    handler.reject({ source: peerOf(duplex), destination, refusal }, (text) => {
      duplex.end(text);
      duplex.setTimeout(lingerMs, () => duplex.destroy());
    });
  };

  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("request", onRequest);
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("upgrade", onSwitch);
  server.on("connect", onSwitch);
  server.on("clientError", onClientError);
  const port = await listen(server, route.port);
  return {
    port,
    connections: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        // To node, a connection without a first request is in use; this one had its time.
        const timer = setTimeout(() => {
          for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
        }, unusedGraceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Without a host, node binds `::` for both families, or `0.0.0.0` where there is no IPv6. */
export function listen(server: NetServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      const message = `Cannot listen on port "${port}": ${error.message}`;
      reject(new AppError("listen_failed", message, { cause: error }));
    };
    server.once("error", onError);
    server.listen({ port, backlog: 4096 }, () => {
      server.off("error", onError);
      // Out of file descriptors: who is not accepted now waits in the kernel's queue.
      server.on("error", () => {});
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : port);
    });
  });
}
