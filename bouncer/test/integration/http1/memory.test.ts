/**
 * Large bodies are read into memory that is used again: what was handed over stays as it is until
 * whoever has it asks for more, also when the message is over and others follow on the connection.
 */
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import type {
  ClientStreamListener,
  OutgoingRequest,
  ServerStream,
} from "../../../src/http/message.ts";
import { createHttp1Upstream } from "../../../src/http1/upstream.ts";
import { defaultLimits, startListener } from "../../../src/proxy/listener.ts";
import { dial, listenOn } from "../proxy/harness.ts";

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanups.splice(0)) cleanUp();
});

/** Not a multiple of what is read at once, so that the last part is a large one, too. */
const size = 1_000_000;

test("the end of an answer stays while the next one is read on the same connection", async () => {
  let requests = 0;
  const app = createServer((socket) => {
    socket.on("data", () => {
      requests += 1;
      const fill = requests === 1 ? "a" : "b";
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${fill.repeat(size)}`);
    });
  });
  cleanups.push(() => app.close());
  const port = await listenOn(app);
  const upstream = createHttp1Upstream({
    host: "127.0.0.1",
    port,
    connectTimeoutMs: 5000,
    keepAliveMs: 5000,
  });
  cleanups.push(() => {
    upstream.close();
  });
  const first = await receive((listener) => upstream.send(request, listener));
  const last = first.at(-1);
  const second = await receive((listener) => upstream.send(request, listener));
  expect(last?.toString("latin1")).toBe("a".repeat(last?.length ?? 0));
  expect(last?.length).toBeGreaterThan(0);
  expect(Buffer.concat(second).length).toBeGreaterThan(0);
  expect(requests).toBe(2);
});

const request: OutgoingRequest = {
  method: "GET",
  target: "/",
  scheme: "http",
  rawHeaders: ["Host", "a"],
  bodyLength: 0,
  expectsContinue: false,
  upgrade: null,
  isRetry: false,
};

/** The parts of an answer, each taken as too much at once, and not copied. */
function receive(
  send: (listener: ClientStreamListener) => { resume(): void },
): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let isOver = false;
    const stream = send({
      onData: (chunk) => {
        parts.push(chunk);
        setImmediate(() => {
          if (!isOver) stream.resume();
        });
        return false;
      },
      onEnd: () => {
        isOver = true;
        resolve(parts);
      },
      onError: ({ message }) => {
        reject(new Error(message));
      },
      onHead: () => undefined,
      onInformation: () => undefined,
      onDrain: () => undefined,
      onSwitch: () => undefined,
    });
  });
}

test("the end of a request's body stays while the next request is read", async () => {
  const streams: ServerStream[] = [];
  let last: Buffer | null = null;
  let length = 0;
  const read = Promise.withResolvers<void>();
  const listener = await startListener({
    route: {
      port: 0,
      target: { host: "127.0.0.1", port: 1 },
      opaque: false,
      protocol: "http1",
      tls: false,
    },
    limits: defaultLimits,
    certificate: null,
    handler: {
      onRejection: () => undefined,
      onRequest: (stream) => {
        streams.push(stream);
        stream.attach({
          onData: (chunk) => {
            last = chunk;
            length += chunk.length;
            // Of the last part, nobody ever says that it is out.
            if (length < size) setImmediate(() => stream.resumeBody());
            else read.resolve();
            return false;
          },
          onEnd: () => undefined,
          onDrain: () => undefined,
          onClose: () => undefined,
        });
        stream.resumeBody();
      },
    },
  });
  cleanups.push(() => {
    listener.destroy();
    void listener.close();
  });
  const client = await dial(listener.port);
  cleanups.push(() => client.destroy());
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`;
  client.write(head + "a".repeat(size));
  await read.promise;
  client.write(head + "b".repeat(size));
  // Until that was read as far as it is read ahead; nothing else tells.
  for (let i = 0; i < 50; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  const text = (last ?? Buffer.alloc(0)).toString("latin1");
  expect(text).toBe("a".repeat(text.length));
  expect(text.length).toBeGreaterThan(0);
});
