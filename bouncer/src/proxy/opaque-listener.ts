/** One server in front of one opaque port of the application. */
import { createServer } from "node:net";
import { listen, type Listener } from "./listener.ts";
import { type OpaqueAround, OpaqueConnection } from "./opaque-connection.ts";

export interface OpaqueListenerOptions extends OpaqueAround {
  readonly reusePort?: boolean;
}

export async function startOpaqueListener(around: OpaqueListenerOptions): Promise<Listener> {
  const connections = new Set<OpaqueConnection>();
  let onIdle: (() => void) | null = null;
  // Paused, and with halves that end one by one: not a byte is read before it may go on.
  const options = { allowHalfOpen: true, pauseOnConnect: true };
  const server = createServer(options, (socket) => {
    const connection = new OpaqueConnection(socket, around, () => {
      connections.delete(connection);
      if (connections.size === 0) onIdle?.();
    });
    connections.add(connection);
    connection.run();
  });
  const port = await listen(server, around.route.port, around.reusePort);
  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      if (connections.size === 0) resolve();
      else onIdle = resolve;
    });
  return {
    port,
    connections: () => connections.size,
    // Its connections have timers of their own.
    check: () => undefined,
    close: async () => {
      // A client may be gone, and what it said last still be on its way to the application.
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await closed;
      await idle();
    },
    destroy: () => {
      for (const connection of connections) connection.cut();
    },
  };
}
