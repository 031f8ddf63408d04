/** Ports on the loopback. What is asked for differs by what answers it: see `Upstream`. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * `plain`: GET, answered by nginx; `sink`: bodies and WebSockets, answered by a server that reads
 * them to their end; `grpc`: the same server over cleartext HTTP/2.
 */
export interface Ports {
  readonly plain: number;
  readonly sink: number;
  readonly grpc: number;
}

export type PortKind = keyof Ports;

export async function findPorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
  return ports;
}

export async function findSet(): Promise<Ports> {
  const [plain = 0, sink = 0, grpc = 0] = await findPorts(3);
  return { plain, sink, grpc };
}
