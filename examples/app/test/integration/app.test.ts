import { Client, credentials } from "@grpc/grpc-js";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startApp, type App } from "../../src/app.ts";
import { makeCall, parseCall } from "../../src/call.ts";

const config = {
  pod: "web-0",
  httpPort: 0,
  secondPort: 0,
  tcpPort: 0,
  grpcPort: 0,
  unhealthyFile: "unused",
  drainSeconds: 0,
};
let healthy = true;
let app: App | undefined;

async function start(): Promise<App> {
  healthy = true;
  app = await startApp(config, () => healthy);
  return app;
}
afterEach(async () => {
  await app?.close();
  app = undefined;
});

test("tells what it saw of a request, on both HTTP ports", async () => {
  const { httpPort, secondPort } = await start();
  for (const port of [httpPort, secondPort]) {
    const response = await fetch(`http://127.0.0.1:${port}/a?b=c`, { headers: { "x-test": "1" } });
    expect(await response.json()).toMatchObject({
      pod: "web-0",
      method: "GET",
      path: "/a?b=c",
      headers: { "x-test": "1" },
      remoteAddress: "::ffff:127.0.0.1",
      port,
    });
  }
});

test("echoes a streamed body", async () => {
  const { httpPort } = await start();
  const body = "x".repeat(300_000);
  const response = await fetch(`http://127.0.0.1:${httpPort}/echo`, { method: "POST", body });
  expect(await response.text()).toBe(body);
});

test("streams one event at a time", async () => {
  const { httpPort } = await start();
  const response = await fetch(`http://127.0.0.1:${httpPort}/stream?ticks=3&intervalMs=1`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(await response.text()).toBe("data: 1\n\ndata: 2\n\ndata: 3\n\n");
});

test("echoes WebSocket messages at /ws and nowhere else", async () => {
  const { httpPort } = await start();
  const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/ws`);
  await once(socket, "open");
  socket.send("hello");
  const message: unknown[] = await once(socket, "message");
  expect(String(message[0])).toBe("hello");
  socket.close();
  await once(socket, "close");

  const refused: unknown[] = await once(new WebSocket(`ws://127.0.0.1:${httpPort}/other`), "error");
  expect(String(refused[0])).toContain("404");
});

test("fails its http, tcp and grpc checks while it is unhealthy, and only then", async () => {
  const running = await start();
  const checks = async (): Promise<unknown[]> => [
    (await fetch(`http://127.0.0.1:${running.httpPort}/health`)).status,
    await canConnect(running.tcp?.port()),
    await grpcHealthy(running.grpcPort),
  ];
  expect(await checks()).toEqual([200, true, true]);
  healthy = false;
  await running.refresh();
  expect(await checks()).toEqual([503, false, false]);
  healthy = true;
  await running.refresh();
  expect(await checks()).toEqual([200, true, true]);
});

async function call(port: number | undefined, ...args: string[]): Promise<string[]> {
  const parsed = parseCall([`127.0.0.1:${port}`, ...args]);
  if (parsed === null) throw new Error("not a call");
  const lines: string[] = [];
  await makeCall(parsed, (line) => lines.push(line));
  return lines;
}

const ok = `{"code":0,"status":"OK","details":"OK"}`;

test("answers gRPC calls of every kind", async () => {
  const { grpcPort } = await start();
  const [seen = "", status] = await call(grpcPort, "/example.Orders/Get", "x-test=1=2", `{"id":7}`);
  expect(JSON.parse(seen)).toMatchObject({
    pod: "web-0",
    request: { id: 7 },
    headers: { "x-test": "1=2" },
  });
  expect(status).toBe(ok);
  const few = `{"ticks":2,"intervalMs":1}`;
  expect(await call(grpcPort, "/example.Orders/Watch", few)).toEqual([
    `{"tick":1}`,
    `{"tick":2}`,
    ok,
  ]);
  const talk = [`{"a":1}`, `{"b":2}`];
  expect(await call(grpcPort, "/example.Orders/Talk", ...talk)).toEqual([...talk, ok]);
  const [unknown] = await call(grpcPort, "/example.Orders/None");
  expect(unknown).toContain(`"status":"UNIMPLEMENTED"`);
});

test("finishes what has begun before it closes", async () => {
  const { httpPort, close } = await start();
  const response = await fetch(`http://127.0.0.1:${httpPort}/stream?ticks=5&intervalMs=10`);
  const closed = close();
  app = undefined;
  expect(await response.text()).toContain("data: 5");
  await closed;
  await expect(fetch(`http://127.0.0.1:${httpPort}/`)).rejects.toThrow("fetch failed");
});

async function canConnect(port: number | undefined): Promise<boolean> {
  if (port === undefined) return false;
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
  return true;
}

async function grpcHealthy(port: number | undefined): Promise<boolean> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    return await new Promise<boolean>((resolve, reject) => {
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes.equals(Buffer.from([0x08, 0x01])),
        Buffer.alloc(0),
        (error, value) => {
          if (error === null) resolve(value === true);
          else reject(error);
        },
      );
    });
  } finally {
    client.close();
  }
}
