/** Whether a client has got its whole answer, as far as anybody can tell. */
import { expect, test } from "vitest";
import { defaultLimits, startListener } from "../../../src/proxy/listener.ts";
import { dial, readUntil } from "../proxy/harness.ts";

const route = {
  port: 0,
  target: { host: "127.0.0.1", port: 1 },
  opaque: false,
  protocol: "http1",
  tls: false,
} as const;

test.each<[string, number, "sent" | "aborted"]>([
  ["that is out of the process before", 100, "sent"],
  ["whose end is not out yet", 64 * 1024 * 1024, "aborted"],
])("a client that breaks off an answer %s", async (_what, size, expected) => {
  const outcome = Promise.withResolvers<string>();
  const listener = await startListener({
    route,
    limits: defaultLimits,
    certificate: null,
    handler: {
      onRejection: () => undefined,
      onRequest: (stream) => {
        stream.attach({
          onData: () => true,
          onEnd: () => undefined,
          onDrain: () => undefined,
          onClose: outcome.resolve,
        });
        const rawHeaders = ["Content-Length", String(size)];
        stream.sendHead(
          { status: 200, reason: "OK", rawHeaders, bodyLength: size },
          { close: false },
        );
        stream.sendData(Buffer.alloc(size, "x"));
        stream.sendEnd([]);
      },
    },
  });
  const client = await dial(listener.port);
  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await readUntil(client, "\r\n\r\nx");
  client.resetAndDestroy();
  expect(await outcome.promise).toBe(expected);
  await listener.close();
});
