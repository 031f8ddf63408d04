/** The admin port. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../proxy/listener.ts";
import { isLoopback } from "../proxy/peer.ts";
import {
  type AdminDeps,
  type AdminHandler,
  adminRoutes,
  answerWith,
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
  writeAnswer(to, await answerWith(handler, deps));
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
