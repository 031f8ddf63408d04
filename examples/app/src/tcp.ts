/** A TCP echo port that is closed, not silent, while the app is unhealthy: what a tcpSocket probe sees. */
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";

export interface TcpPort {
  /** Opens or closes the port; resolves when that is done. */
  readonly setOpen: (open: boolean) => Promise<void>;
  readonly port: () => number | undefined;
}

export function createTcpPort(wantedPort: number): TcpPort {
  let port = wantedPort;
  let server: Server | undefined;
  const sockets = new Set<Socket>();

  async function open(): Promise<void> {
    const opening = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    });
    server = opening;
    opening.listen(port, "::");
    await once(opening, "listening");
    const address = opening.address();
    if (address !== null && typeof address === "object") port = address.port;
  }

  async function close(closing: Server): Promise<void> {
    server = undefined;
    for (const socket of sockets) socket.destroy();
    closing.close();
    await once(closing, "close");
  }

  return {
    setOpen: async (wanted) => {
      if (wanted && server === undefined) await open();
      if (!wanted && server !== undefined) await close(server);
    },
    port: () => (server === undefined ? undefined : port),
  };
}
