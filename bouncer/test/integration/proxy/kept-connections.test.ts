/** Connections to the application that are kept, and may be gone when they are wanted. */
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Bench, createBench, dial, readUntil } from "./harness.ts";

const benches: Bench[] = [];

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

test.each<[string, (socket: Socket) => void]>([
  ["closed", (socket) => socket.destroy()],
  ["reset", (socket) => socket.resetAndDestroy()],
])(
  "a request that comes together with the news that its connection was %s has another one",
  async (_how, end) => {
    const sockets: Socket[] = [];
    const app = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {
        // Not of interest.
      });
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    });
    const bench = await createBench({ app });
    benches.push(bench);
    const client = await dial(bench.port);
    // Not idempotent: it may not be sent twice.
    const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    for (let i = 0; i < 20; i++) {
      client.write(post);
      expect(await readUntil(client, "\r\n\r\n")).toContain(" 200 ");
      await readUntil(client, "ok");
      const last = sockets.at(-1);
      if (last !== undefined) end(last);
    }
    client.destroy();
  },
);
