/**
 * Servers that the cases run against: ours, and Node's as a reference. Both answer `/` when they have
 * the whole request, `/early` before that, `/large` with 100,000 bytes, and `/never` not at all.
 */
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type {
  RequestHandler,
  ResponseHead,
  ServerConnection,
  ServerStream,
} from "../../../src/http/message.ts";
import { SocketStream } from "../../../src/http/socket-stream.ts";
import { createHttp2ServerConnection } from "../../../src/http2/server-session.ts";

export interface Target {
  readonly port: number;
  close(): Promise<void>;
}

export const largeBytes = 100_000;
const large = Buffer.alloc(largeBytes, "x");
const small = Buffer.from("all is well");

export async function startOurs(): Promise<Target> {
  const connections = new Set<ServerConnection>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const connection = createHttp2ServerConnection({
      wire: SocketStream.adopt(socket),
      bytes: Buffer.alloc(0),
      connection: {
        source: { address: "127.0.0.1", port: 1 },
        destination: { address: "127.0.0.1", port: 1 },
        scheme: "http",
        isLoopback: true,
      },
      handler,
      limits: {
        maxHeaderBytes: 32_768,
        maxHeaders: 100,
        headTimeoutMs: 60_000,
        idleTimeoutMs: 60_000,
        halfClosedMs: 5000,
      },
      onClose: () => connections.delete(connection),
    });
    connections.add(connection);
  });
  return listen(server, () => {
    for (const connection of connections) connection.destroy();
  });
}

const handler: RequestHandler = {
  onRequest(stream) {
    const { target } = stream.request;
    stream.attach({
      onData: () => true,
      onEnd: () => {
        if (target === "/large") answer(stream, large);
        else if (target !== "/never" && target !== "/early") answer(stream, small);
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    if (target === "/early") answer(stream, small);
    if (target !== "/never") stream.resumeBody();
  },
  onRejection(rejection) {
    const status = rejection.reason === "headers_too_large" ? 431 : 400;
    rejection.answer(head(status, 0), Buffer.alloc(0));
  },
};

function head(status: number, bodyLength: number): ResponseHead {
  return { status, reason: "", rawHeaders: [], bodyLength };
}

function answer(stream: ServerStream, body: Buffer): void {
  stream.sendHead(head(200, body.length), { close: false });
  stream.sendData(body);
  stream.sendEnd([]);
}

export async function startNode(): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 100 } });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const path = headers[":path"] ?? "";
    stream.on("error", () => undefined);
    const respond = (body: Buffer): void => {
      if (stream.destroyed || stream.headersSent) return;
      stream.respond({ ":status": 200 });
      stream.end(body);
    };
    if (path === "/early") respond(small);
    if (path === "/never") return;
    stream.on("end", () => {
      respond(path === "/large" ? large : small);
    });
    stream.resume();
  });
  return listen(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function listen(server: Server, destroyAll: () => void): Promise<Target> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("It listens on no port");
  const { port } = address;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        destroyAll();
      }),
  };
}
