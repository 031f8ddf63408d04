/** The app's HTTP face: tells what it saw of a request, and streams in the ways that proxies break. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocketServer } from "ws";

export interface HttpOptions {
  readonly pod: string;
  readonly isHealthy: () => boolean;
}

export function createHttpServer(options: HttpOptions): Server {
  const server = createServer((request, response) => {
    // Once the port is closed, a kept-alive connection has nothing to be kept for.
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    answer(request, response, options).catch(() => response.destroy());
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (pathOf(request) !== "/ws") {
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("message", (data, binary) => webSocket.send(data, { binary }));
    });
  });
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): Promise<void> {
  switch (pathOf(request)) {
    case "/health":
      sendJson(response, options.isHealthy() ? 200 : 503, { healthy: options.isHealthy() });
      return;
    case "/stream":
      await stream(request, response);
      return;
    case "/echo":
      await echo(request, response);
      return;
    default:
      request.resume();
      sendJson(response, 200, {
        pod: options.pod,
        method: request.method,
        path: request.url,
        headers: request.headers,
        remoteAddress: request.socket.remoteAddress,
        port: request.socket.localPort,
      });
  }
}

/** Server-sent events, one at a time: `/stream?ticks=10&intervalMs=100`. */
async function stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = new URL(request.url ?? "/", "http://app").searchParams;
  const ticks = Number(query.get("ticks") ?? 10);
  const intervalMs = Number(query.get("intervalMs") ?? 100);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (let tick = 1; tick <= ticks && !response.destroyed; tick += 1) {
    response.write(`data: ${tick}\n\n`);
    if (tick < ticks) await delay(intervalMs);
  }
  response.end();
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(200, {
    "content-type": request.headers["content-type"] ?? "application/octet-stream",
  });
  await pipeline(request, response);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}
