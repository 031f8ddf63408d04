/** Ports on the loopback. What is asked for differs by what answers it: see `Upstream`. */
import { once } from "node:events";
import { createServer } from "node:net";

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

/**
 * Below those that the kernel gives to connections, any of which could be in the way by the time
 * that a port is listened on.
 */
const range = { first: 20_000, last: 32_000 } as const;
let next = range.first;

export async function findPorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (next > range.last) throw new Error(`no port is free up to ${range.last}`);
    if (await isFree(next)) ports.push(next);
    next += 1;
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port);
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

export async function findSet(): Promise<Ports> {
  const [plain = 0, sink = 0, grpc = 0] = await findPorts(3);
  return { plain, sink, grpc };
}
