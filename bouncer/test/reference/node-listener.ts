/**
 * The reference on the clients' side: node:http in the place of our codec, behind the same
 * interface. Not for production: it cuts early answers, knows no half-closed clients, and costs more.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RejectReason, ResponseHead } from "../../src/http/message.ts";
import { readUpgrade } from "../../src/proxy/head.ts";
import { type Listener, listen, type ListenerOptions } from "../../src/proxy/listener.ts";
import { describeConnection } from "../../src/proxy/peer.ts";
import { describeRequest, findFault } from "./node-head.ts";
import { NodeServerStream } from "./node-stream.ts";

/** How long a client that was refused may take to close its side. */
const lingerMs = 2000;

function createHttpServer({ limits }: ListenerOptions): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headTimeoutMs),
    requestTimeout: 0,
    requireHostHeader: false,
    noDelay: true,
    // Where this says no, node loses what a client sends in the same packet behind the request.
    shouldUpgradeCallback: (message) => readUpgrade(describeRequest(message)) !== null,
  });
  // Node drops what is beyond its count without a word; ours refuses.
  server.maxHeadersCount = 0;
  return server;
}

/** What the parser refused, as a refusal; null: the connection broke, there is nobody to tell. */
function reasonOf(code: string): RejectReason | null {
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

function formatAnswer({ status, reason, rawHeaders }: ResponseHead, body: Buffer): string {
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return `${lines.join("\r\n")}\r\nConnection: close\r\n\r\n${body.toString("latin1")}`;
}

export async function startNodeListener(options: ListenerOptions): Promise<Listener> {
  const { route, handler, limits } = options;
  const server = createHttpServer(options);
  const sockets = new Set<Socket>();
  const busy = new WeakSet<Duplex>();
  const describe = (socket: Socket) =>
    describeConnection(socket, { port: route.target.port, scheme: "http" });

  const begin = (message: IncomingMessage, response: ServerResponse, bytes: Buffer | null) => {
    const connection = describe(message.socket);
    const fault = findFault(message, limits.maxHeaders);
    if (fault === null) {
      handler.onRequest(new NodeServerStream({ message, response, connection, bytes }));
      return;
    }
    const answer = ({ status, reason, rawHeaders }: ResponseHead, body: Buffer): void => {
      response.writeHead(status, reason, [...rawHeaders, "Connection", "close"]);
      response.end(body);
      message.resume();
    };
    handler.onRejection({ connection, ...fault, answer });
  };
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    const { socket } = message;
    busy.add(socket);
    response.once("close", () => busy.delete(socket));
    begin(message, response, null);
  };
  /** Node hands over the bare socket; a response on it lets the one handler do the rest. */
  const onSwitch = (message: IncomingMessage, _socket: Duplex, bytes: Buffer): void => {
    const { socket } = message;
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => {
      socket.destroySoon();
    });
    socket.on("error", () => socket.destroy());
    begin(message, response, bytes);
  };
  const onClientError = (error: Error & { code?: string }, duplex: Duplex): void => {
    const reason = reasonOf(error.code ?? "");
    const isMute = !(duplex instanceof Socket) || duplex.bytesRead === 0 || !duplex.writable;
    if (isMute || reason === null || busy.has(duplex)) {
      duplex.destroy();
      return;
    }
    const answer = (head: ResponseHead, body: Buffer): void => {
      duplex.end(formatAnswer(head, body), "latin1");
      duplex.setTimeout(lingerMs, () => duplex.destroy());
    };
    const connection = describe(duplex);
    handler.onRejection({ connection, reason, detail: error.message, answer });
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
        server.close(() => {
          resolve();
        });
      }),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
    check: () => {
      // Node has timers of its own.
    },
  };
}
