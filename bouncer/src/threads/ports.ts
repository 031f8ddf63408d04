/**
 * Threads share ports by SO_REUSEPORT, which lets in whoever has the same user: another bouncer, too.
 * So each port is first bound as one that nobody shares, which fails when anybody has it.
 */
import { createServer } from "node:net";
import type { Route } from "../config.ts";
import { listen } from "../proxy/listener.ts";

/** The routes with the ports that there are. Throws AppError when one is taken. */
export async function findPorts(routes: readonly Route[]): Promise<readonly Route[]> {
  const servers = routes.map(() => createServer());
  try {
    const found: Route[] = [];
    for (const [at, route] of routes.entries()) {
      const server = servers[at];
      if (server !== undefined) found.push({ ...route, port: await listen(server, route.port) });
    }
    return found;
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
