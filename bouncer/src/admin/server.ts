/** The admin port, and the admin paths on the application's ports. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../proxy/listener.ts";
import { isLoopback } from "../proxy/peer.ts";
import {
  type AdminDeps,
  type AdminHandler,
  adminRoutes,
  findHidden,
  json,
  pathOf,
  writeAnswer,
} from "./routes.ts";

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

async function run(handler: AdminHandler, deps: AdminDeps, to: ServerResponse): Promise<void> {
  try {
    writeAnswer(to, await handler(deps));
  } catch (error) {
    const detail = error instanceof Error ? error.message : "unknown";
    if (to.headersSent) to.destroy();
    else writeAnswer(to, json(500, { reason: "internal", detail }));
  }
}

/** Answers every request to the admin port. */
export function handleAdmin(
  request: IncomingMessage,
  response: ServerResponse,
  deps: AdminDeps,
): void {
  request.resume();
  const path = pathOf(request);
  const route = adminRoutes[path];
  const { method = "" } = request;
  if (route === undefined) {
    const hidden = method === "GET" ? findHidden(path, deps) : null;
    if (hidden === null) writeAnswer(response, json(404, { reason: "not_found" }));
    else void run(hidden, deps, response);
    return;
  }
  if (!route.methods.includes(method)) {
    response.setHeader("Allow", route.methods.join(", "));
    writeAnswer(response, json(405, { reason: "method_not_allowed" }));
  } else if (route.loopbackOnly && !isLoopback(request.socket)) {
    writeAnswer(response, json(403, { reason: "loopback_only" }));
  } else {
    void run(route.handle, deps, response);
  }
}

/**
 * On an application's port: true when the request was one for us. Callers on loopback are in the
 * pod already; everybody else is answered only where ADMIN_ON_PROXY_PORT says so, and where not,
 * the path is the application's.
 */
export function createProxyPortAdmin(
  everybody: boolean,
  deps: AdminDeps,
): (request: IncomingMessage, response: ServerResponse, local: boolean) => boolean {
  return (request, response, local) => {
    if (!everybody && !local) return false;
    const route = adminRoutes[pathOf(request)];
    if (route === undefined || !route.methods.includes(request.method ?? "")) return false;
    if (route.loopbackOnly && !local) return false;
    request.resume();
    void run(route.handle, deps, response);
    return true;
  };
}

export async function startAdmin(port: number, deps: AdminDeps): Promise<AdminServer> {
  const server = createServer(
    { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000 },
    (request, response) => {
      handleAdmin(request, response, deps);
    },
  );
  const bound = await listen(server, port);
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
