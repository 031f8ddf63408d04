/**
 * Takes connections in, so many handshakes at once. A fleet that comes back all at once would have
 * them all begin and few end in time; here the rest waits as sockets that nobody reads, which cost
 * next to nothing, and begins when others are done.
 */
import type { Server as HttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";

export interface AcceptOptions {
  readonly maxHandshakes: number;
  readonly maxConnections: number;
}

export interface Acceptor {
  /** To listen with, instead of the server of HTTPS itself. */
  readonly server: Server;
  /** Ends those that wait; who is connected is known to the server of HTTPS. */
  dismiss(): void;
}

export function createAcceptor(https: HttpsServer, options: AcceptOptions): Acceptor {
  const waiting = new Set<Socket>();
  /** By address and port of the other side: ends the turn of its handshake. */
  const turns = new Map<string, () => void>();

  function begin(socket: Socket): void {
    const key = keyOf(socket);
    const over = (): void => {
      // The connection that has the key now may be another one.
      if (turns.get(key) !== over) return;
      turns.delete(key);
      for (const next of waiting) {
        waiting.delete(next);
        return begin(next);
      }
    };
    turns.set(key, over);
    // Also when the handshake fails, or takes too long.
    socket.once("close", over);
    https.emit("connection", socket);
    socket.resume();
  }

  https.prependListener("secureConnection", (secured: Socket) => turns.get(keyOf(secured))?.());
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    // TLS has its own from then on, which ends the connection.
    socket.on("error", () => undefined);
    if (turns.size < options.maxHandshakes) begin(socket);
    else waiting.add(socket);
  });
  server.maxConnections = options.maxConnections;
  return {
    server,
    dismiss() {
      for (const socket of waiting) socket.destroy();
      waiting.clear();
    },
  };
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}|${remotePort}`;
}
