/** What goes wrong with one request costs that request, and nothing else. */
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Verdict } from "../../../src/policy/decision.ts";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  deny,
  dial,
  readUntil,
} from "./harness.ts";

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

async function start(options: BenchOptions): Promise<Bench> {
  const bench = await createBench(options);
  benches.push(bench);
  return bench;
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
const unwritable = [["x-made-up", "a\r\nb"]] as const;

describe("a verdict that HTTP cannot carry", () => {
  test.each<[string, string, Verdict]>([
    ["in the request", get, { ...allow, requestHeaders: unwritable }],
    ["in the answer", get, { ...allow, responseHeaders: unwritable }],
    ["in the answer to an upgrade", upgrade, { ...allow, responseHeaders: unwritable }],
  ])("%s", async (_where, message, verdict) => {
    let isFirst = true;
    const app = createHttpServer((_request, response) => response.end("ok"));
    app.on("upgrade", (_request, socket: Socket) => {
      socket.on("error", () => {
        // Nobody wants it.
      });
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n",
      );
    });
    const bench = await start({
      app,
      decide: () => {
        const given = isFirst ? verdict : allow;
        isFirst = false;
        return given;
      },
    });
    const client = await dial(bench.port);
    client.write(message);
    expect(await readUntil(client, "}")).toMatch(/ 500 .*"internal"/s);
    // What the application does with the connection that it was meant for is nobody's business now.
    app.closeAllConnections();
    client.write(get);
    expect(await readUntil(client, "ok")).toContain(" 200 ");
    expect(bench.reports.all.map(({ status, reason }) => [status, reason])).toContainEqual([
      500,
      "internal",
    ]);
    client.destroy();
  });
});

test("a refusal that gRPC cannot carry is still a refusal, also when it is recorded first", async () => {
  const bench = await start({
    decide: () => ({ ...deny, body: "half a character: \ud800" }),
    deps: { commit: () => Promise.resolve("written") },
  });
  const client = await dial(bench.port);
  client.write(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
  );
  expect(await readUntil(client, "\r\n\r\n")).toMatch(
    /Grpc-Message: half%20a%20character%3A%20%EF%BF%BD/i,
  );
  client.destroy();
});

test("a client that takes nothing of its answer does not keep the application waiting for ever", async () => {
  const part = Buffer.alloc(64 * 1024);
  const bench = await start({
    limits: { idleTimeoutMs: 200 },
    app: createServer((socket) => {
      const write = (): void => {
        while (socket.write(part));
      };
      socket.on("error", () => {
        // Given up.
      });
      socket.on("drain", write);
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        write();
      });
    }),
  });
  const client = await dial(bench.port);
  client.pause();
  client.write(get);
  expect(await bench.reports.next()).toMatchObject({ status: 200, aborted: "client" });
  expect(bench.proxy.inFlight()).toBe(0);
  client.destroy();
});

test("a client that has sent much ahead and is gone does not keep its place for ever", async () => {
  const bench = await start({
    limits: { idleTimeoutMs: 200 },
    app: (_request, response) => {
      response.write("first");
    },
  });
  const client = await dial(bench.port);
  client.write(get + get.repeat(5000));
  await readUntil(client, "first");
  client.destroy();
  expect(await bench.reports.next()).toMatchObject({ status: 200, aborted: "client" });
});
