/** The admin port: health, readiness, metrics, and which bouncer runs what. Plain HTTP, no token. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { answerJson, refuse } from "./answer.ts";
import { describeFleet, type FleetView } from "./view.ts";

export interface AdminOptions {
  /** Why the bridge is not ready; empty when it is. */
  readonly unready: () => readonly string[];
  readonly registry: Registry;
  readonly view: () => FleetView;
}

export const adminPaths = {
  health: "/health",
  ready: "/ready",
  metrics: "/metrics",
  bouncers: "/v1/bouncers",
} as const;

export function createAdminServer(options: AdminOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch(() => response.destroy());
  });
}

async function answer(
  options: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuse(response, "method_not_allowed");
  }
  switch ((request.url ?? "").replace(/\?.*$/, "")) {
    case adminPaths.health:
      return answerJson(response, 200, { healthy: true });
    case adminPaths.ready: {
      const reasons = options.unready();
      return answerJson(response, reasons.length === 0 ? 200 : 503, {
        ready: reasons.length === 0,
        reasons,
      });
    }
    case adminPaths.metrics: {
      const text = await options.registry.metrics();
      response.writeHead(200, { "content-type": options.registry.contentType }).end(text);
      return;
    }
    case adminPaths.bouncers:
      return answerJson(response, 200, describeFleet(options.view()));
    default:
      return refuse(response, "not_found");
  }
}
