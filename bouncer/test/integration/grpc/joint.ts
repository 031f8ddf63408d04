/**
 * What stands between a client and an application: the codecs alone, joined so that whatever comes is
 * passed on, or the whole proxy with a policy that allows everything.
 */
import { createServer, type Server } from "node:net";
import type {
  ClientStream,
  RawHeaders,
  ServerConnection,
  ServerLimits,
  ServerStream,
  Upstream,
} from "../../../src/http/message.ts";
import { SocketStream } from "../../../src/http/socket-stream.ts";
import { createHttp2ServerConnection } from "../../../src/http2/server-session.ts";
import { createHttp2Upstream } from "../../../src/http2/upstream.ts";
import { createDate } from "../../../src/proxy/date.ts";
import { startProxy } from "../../../src/proxy/server.ts";
import { allow, createTestPolicy } from "../proxy/harness.ts";

export const limits: ServerLimits = {
  maxHeaderBytes: 64 * 1024,
  maxHeaders: 200,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  halfClosedMs: 5000,
};

export function passOn(stream: ServerStream, upstream: Upstream): void {
  const { method, target, rawHeaders, bodyLength, expectsContinue } = stream.request;
  let isBlocked = false;
  let hasHead = false;
  let isAnswered = false;
  /** The application has answered, and does not read the rest. */
  const giveUpBody = (): void => {
    to.abort();
    stream.discardBody();
  };
  const to: ClientStream = upstream.send(
    {
      method,
      target,
      scheme: "http",
      rawHeaders,
      bodyLength,
      expectsContinue,
      upgrade: null,
      isRetry: false,
    },
    {
      onInformation: (status, headers) => {
        if (status === 100) stream.sendContinue();
        else stream.sendInformation(status, headers);
      },
      onHead: (head) => {
        hasHead = true;
        stream.sendHead(head, { close: false });
      },
      onData: (chunk) => stream.sendData(chunk),
      onEnd: (trailers) => {
        isAnswered = true;
        stream.sendEnd(trailers);
        if (isBlocked) giveUpBody();
      },
      onDrain: () => {
        isBlocked = false;
        stream.resumeBody();
      },
      onSwitch: () => undefined,
      onError: ({ code }) => {
        if (code === null && !hasHead) {
          stream.sendHead(unavailable, { close: false });
          stream.sendEnd([]);
        } else stream.abort(code ?? undefined);
      },
    },
  );
  stream.attach({
    onData: (chunk) => {
      isBlocked = !to.sendData(chunk);
      if (isBlocked && isAnswered) giveUpBody();
      return !isBlocked;
    },
    onEnd: (trailers: RawHeaders) => {
      to.sendEnd(trailers);
    },
    onDrain: () => {
      to.resume();
    },
    onClose: (outcome) => {
      if (outcome === "aborted") to.abort();
    },
  });
  if (bodyLength !== 0) stream.resumeBody();
}

const unavailable = { status: 502, reason: "", rawHeaders: [], bodyLength: 0 };

export interface Joint {
  readonly port: number;
  /** Ends all connections with clients, as a bouncer does that stops. */
  drain(): void;
  /** The same, at once. */
  cutOff(): void;
  close(): Promise<void>;
}

export type StartJoint = (targetPort: number) => Promise<Joint>;

/** Rows for tests that are to be true of both. */
export const joints: readonly (readonly [name: string, start: StartJoint])[] = [
  ["through the codecs", startGlue],
  ["through the proxy", startProxied],
];

async function startProxied(targetPort: number): Promise<Joint> {
  const route = {
    port: 0,
    target: { host: "127.0.0.1", port: targetPort },
    opaque: false,
    protocol: "auto",
    tls: false,
  } as const;
  const proxy = await startProxy([route], {
    policy: createTestPolicy(() => allow),
    report: () => undefined,
    commit: null,
    enforcement: { shadow: false, degradedRoutes: [] },
    isTrusted: () => false,
    admin: () => null,
    date: createDate(),
    pseudonym: null,
    longLived: "keep",
    trace: () => null,
    isDraining: () => false,
    targetTimeoutMs: 0,
    bodyTimeoutMs: 10_000,
    maxInFlight: 10_000,
  });
  return {
    port: proxy.ports[0] ?? 0,
    drain: () => {
      void proxy.stop(10_000);
    },
    cutOff: () => {
      void proxy.stop(0);
    },
    close: async () => {
      await proxy.stop(0);
    },
  };
}

export async function startGlue(targetPort: number): Promise<Joint> {
  const upstream = createHttp2Upstream({
    host: "127.0.0.1",
    port: targetPort,
    connectTimeoutMs: 3000,
    keepAliveMs: 60_000,
    limits,
  });
  const connections = new Set<ServerConnection>();
  const server: Server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    const wire = SocketStream.adopt(accepted);
    const connection = createHttp2ServerConnection({
      wire,
      bytes: Buffer.alloc(0),
      connection: {
        source: { address: "127.0.0.1", port: 1 },
        destination: { address: "127.0.0.1", port: 1 },
        scheme: "http",
        isLoopback: true,
      },
      handler: {
        onRequest: (stream) => {
          passOn(stream, upstream);
        },
        onRejection: (rejection) => {
          rejection.answer({ ...unavailable, status: 400 }, Buffer.alloc(0));
        },
      },
      limits,
      onClose: () => connections.delete(connection),
    });
    connections.add(connection);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    drain: () => {
      for (const connection of connections) connection.close();
    },
    cutOff: () => {
      for (const connection of connections) connection.destroy();
    },
    close: async () => {
      for (const connection of connections) connection.destroy();
      upstream.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
