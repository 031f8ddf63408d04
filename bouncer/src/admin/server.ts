/** The admin port, and the admin paths on the application's ports. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../proxy/listener.ts";
import { isLoopback } from "../proxy/peer.ts";
import type { HandlerDeps } from "../proxy/handler.ts";
import {
  type AdminAnswer,
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

/** Never rejects. */
async function answer(handler: AdminHandler, deps: AdminDeps): Promise<AdminAnswer> {
  try {
    return await handler(deps);
  } catch (error) {
    const detail = error instanceof Error ? error.message : "unknown";
    return json(500, { reason: "internal", detail });
  }
}

async function run(handler: AdminHandler, deps: AdminDeps, to: ServerResponse): Promise<void> {
  writeAnswer(to, await answer(handler, deps));
}

/** Answers every request to the admin port. */
export function handleAdmin(
  request: IncomingMessage,
  response: ServerResponse,
  deps: AdminDeps,
): void {
  request.resume();
  const path = pathOf(request.url ?? "");
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
export function createProxyPortAdmin(everybody: boolean, deps: AdminDeps): HandlerDeps["admin"] {
  return ({ method, target }, isLocal) => {
    if (!everybody && !isLocal) return null;
    const route = adminRoutes[pathOf(target)];
    if (route === undefined || !route.methods.includes(method)) return null;
    return route.loopbackOnly && !isLocal ? null : answer(route.handle, deps);
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
