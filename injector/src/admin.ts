/** The admin port, plain HTTP: /health, /ready and /metrics. Nothing here is secret or changes anything. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import express from "express";
import { messageOf } from "./errors.ts";
import type { Readiness } from "./readiness.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";

export interface AdminDeps {
  readonly readiness: () => Readiness;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function createAdminServer({ readiness, metrics, log }: AdminDeps): Server {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });
  app.get("/ready", (_request, response) => {
    const { ready, ...detail } = readiness();
    response.status(ready ? 200 : 503).json({ status: ready ? "ready" : "not_ready", ...detail });
  });
  app.get("/metrics", (_request, response) => {
    metrics.render().then(
      (text) => response.type(metrics.contentType).send(text),
      (error: unknown) => {
        log.error({ error: messageOf(error) }, "metrics failed");
        response.status(500).end();
      },
    );
  });
  app.use((_request, response) => {
    response.status(404).json({ status: "not_found" });
  });
  return createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, app);
}
