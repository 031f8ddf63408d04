import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebSocketServer } from "ws";
import type { Running, Target } from "./row.ts";
import { ours } from "./target/ours.ts";
import { reference } from "./target/reference.ts";
import { createWebSocketApp, runWebSocketRow, talkAll, webSocketRows } from "./websocket.ts";

function portOf(app: WebSocketServer): number {
  const address = app.address();
  if (typeof address === "string" || address === null) throw new Error("not listening on a port");
  return address.port;
}

describe.each<Target>([ours, reference])("WebSocket through $name", (target) => {
  const apps: WebSocketServer[] = [];
  let running: Running;

  beforeAll(async () => {
    for (const deflate of [false, true]) {
      const app = createWebSocketApp(deflate);
      apps.push(app);
      await once(app, "listening");
    }
    running = await target.start(apps.map(portOf), "plain");
  });

  afterAll(async () => {
    await running.stop();
    for (const app of apps) app.close();
  });

  function via(deflate: boolean): { port: number; app: WebSocketServer } {
    const [app, port] = [apps[deflate ? 1 : 0], running.ports[deflate ? 1 : 0]];
    if (app === undefined || port === undefined) throw new Error("not running");
    return { app, port };
  }

  test.each(webSocketRows.map((row) => [`${row.name} (RFC ${row.section})`, row] as const))(
    "%s",
    async (_name, row) => {
      const { app, port } = via(row.setting.deflate ?? false);
      await expect(runWebSocketRow(row, port, app)).resolves.toBeUndefined();
    },
  );

  test("a hundred at once", async () => {
    const { app, port } = via(false);
    await expect(talkAll(port, app, 100)).resolves.toBeUndefined();
  });
});
