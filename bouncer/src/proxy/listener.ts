/** One server in front of one HTTP port of the application: accepts connections and keeps them. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Route } from "../config.ts";
import { AppError } from "../errors.ts";
import type { RequestHandler, ServerConnection, ServerLimits } from "../http/message.ts";
import { Opening } from "../http/opening.ts";
import { SocketStream } from "../http/socket-stream.ts";
import { describeConnection } from "./peer.ts";
import type { Certificate } from "./certificate.ts";

/** Longer idle than the proxies and clients in front of us, so that they close first. */
export const defaultLimits: ServerLimits = {
  maxHeaderBytes: 64 * 1024,
  maxHeaders: 200,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  halfClosedMs: 5000,
};

export interface Listener {
  readonly port: number;
  connections(): number;
  /** No new connections; those in use are closed when they become idle. */
  close(): Promise<void>;
  destroy(): void;
  /** Called now and then with `performance.now()`. */
  check(now: number): void;
}

export interface ListenerOptions {
  readonly route: Route;
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  /** null: clients speak without TLS. */
  readonly certificate: Certificate | null;
  /** Other threads of this process listen on the port, too. */
  readonly reusePort?: boolean;
}

export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { route, handler, limits, certificate } = options;
  const open = new Set<ServerConnection>();
  let onIdle: (() => void) | null = null;
  const scheme = certificate === null ? "http" : "https";
  const accept = (stream: SocketStream): void => {
    const { socket } = stream;
    const connection = describeConnection(socket, { port: route.target.port, scheme });
    const opening = new Opening({ stream, connection, handler, limits });
    open.add(opening);
    socket.once("close", () => {
      open.delete(opening);
      if (open.size === 0) onIdle?.();
    });
  };
  const server =
    certificate === null ? createPlain(accept) : createTls(options, certificate, accept);
  const port = await listen(server, route.port, options.reusePort);
  return {
    port,
    connections: () => open.size,
    close: async () => {
      server.close();
      for (const connection of open) connection.close();
      await new Promise<void>((resolve) => {
        if (open.size === 0) resolve();
        else onIdle = resolve;
      });
    },
    destroy: () => {
      for (const connection of open) connection.destroy();
    },
    check: (now) => {
      for (const connection of open) connection.check(now);
    },
  };
}

/** Of streams, and of what was upgraded, nobody else notices that the client has vanished. */
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

function createPlain(accept: (stream: SocketStream) => void): NetServer {
  const options = { allowHalfOpen: true, pauseOnConnect: true, ...socketOptions };
  return createServer(options, (socket) => {
    accept(SocketStream.adopt(socket));
  });
}

/**
 * The first that the client has, too. Of an application of which nothing is known, HTTP/1.1 is
 * likelier: clients that can do both are served by it, those of gRPC have HTTP/2 only. Without ALPN,
 * the first bytes tell.
 */
const alpn: Readonly<Record<Route["protocol"], string[]>> = {
  auto: ["http/1.1", "h2"],
  http1: ["http/1.1", "h2"],
  h2c: ["h2", "http/1.1"],
};

function createTls(
  { route, limits }: ListenerOptions,
  certificate: Certificate,
  accept: (stream: SocketStream) => void,
): NetServer {
  const server = createTlsServer(
    {
      ...certificate.current(),
      ALPNProtocols: alpn[route.protocol],
      allowHalfOpen: true,
      handshakeTimeout: limits.headTimeoutMs,
      minVersion: "TLSv1.2",
      ...socketOptions,
    },
    (socket: Socket) => {
      accept(SocketStream.wrap(socket));
    },
  );
  certificate.onRenewal((renewed) => {
    server.setSecureContext(renewed);
  });
  return server;
}

/**
 * Without a host, node binds `::` for both families, or `0.0.0.0` where there is no IPv6. With
 * `reusePort`, the kernel spreads connections over all that listen so, of the same user.
 */
export function listen(server: NetServer, port: number, reusePort = false): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      const message = `Cannot listen on port "${port}": ${error.message}`;
      reject(new AppError("listen_failed", message, { cause: error }));
    };
    server.once("error", onError);
    server.listen({ port, backlog: 4096, reusePort }, () => {
      server.off("error", onError);
      // Out of file descriptors: who is not accepted now waits in the kernel's queue.
      server.on("error", () => {});
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : port);
    });
  });
}
