/** Connections that are cut off at an awkward moment. */
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { SocketStream } from "../../../src/http/socket-stream.ts";
import { listenOn } from "../proxy/harness.ts";

test("a connection is closed that is reset while its end is being told", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {
      // Cut off.
    });
    socket.resume();
  });
  const stream = SocketStream.connect({ host: "127.0.0.1", port: await listenOn(server) });
  await new Promise((resolve) => {
    stream.socket.once("connect", resolve);
  });
  const closed = new Promise((resolve) => {
    stream.attach({
      onData: () => true,
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: resolve,
    });
  });
  stream.end();
  // By then, the kernel is being told.
  process.nextTick(() => {
    process.nextTick(() => {
      stream.reset();
    });
  });
  expect(await closed).toBe(false);
  server.close();
});
