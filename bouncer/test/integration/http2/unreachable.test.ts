/** Requests by HTTP/2 whose connection is never made. */
import { createServer } from "node:net";
import { expect, test } from "vitest";
import type { ClientStreamListener, OutgoingRequest } from "../../../src/http/message.ts";
import { isUnderPressure } from "../../../src/http2/held-bytes.ts";
import { createHttp2Upstream } from "../../../src/http2/upstream.ts";
import { listenOn } from "../proxy/harness.ts";

const request: OutgoingRequest = {
  method: "POST",
  target: "/",
  scheme: "http",
  rawHeaders: ["Host", "a"],
  bodyLength: null,
  expectsContinue: false,
  upgrade: null,
  isRetry: false,
};

const listener: ClientStreamListener = {
  onInformation: () => undefined,
  onHead: () => undefined,
  onData: () => true,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onSwitch: () => undefined,
  onError: () => undefined,
};

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  server.close();
  return port;
}

test.each(["aborted", "failed"])(
  "bodies that waited for it wait no longer when they are %s",
  async (how) => {
    const upstream = createHttp2Upstream({
      host: "127.0.0.1",
      port: await closedPort(),
      connectTimeoutMs: 1000,
      keepAliveMs: 1000,
      limits: { maxHeaderBytes: 1000, maxHeaders: 10 },
    });
    const body = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 300; i++) {
      await new Promise<void>((resolve) => {
        const stream = upstream.send(request, { ...listener, onError: () => resolve() });
        stream.sendData(body);
        if (how === "failed") return;
        stream.abort();
        resolve();
      });
    }
    expect(isUnderPressure()).toBe(false);
    upstream.close();
  },
);
