import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createNetServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server as GrpcServer, ServerCredentials, status as grpcStatus } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import type { ProbeAction } from "../../../src/contract.ts";
import { type ProbeResult, runProbe } from "../../../src/probe/probe.ts";
import { listenOn } from "../proxy/harness.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return await listenOn(server);
}

function probe(action: ProbeAction, timeoutSeconds = 5, host = "127.0.0.1"): Promise<ProbeResult> {
  return runProbe({ container: "app", field: "livenessProbe", timeoutSeconds, action }, host);
}

type HttpAction = Extract<ProbeAction, { kind: "http" }>;

async function probeApp(app: RequestListener, more: Partial<HttpAction> = {}) {
  const port = await start(createServer(app));
  return await probe({ kind: "http", scheme: "http", port, path: "/live", headers: [], ...more });
}

test.each([200, 204, 399, 400, 404, 500, 503])(
  "http: a status of %i is passed on",
  async (status) => {
    const result = await probeApp((_request, response) => {
      response.writeHead(status);
      response.end();
    });
    expect(result.status).toBe(status);
  },
);

test("http: path, query, headers and host are the probe's", async () => {
  const result = await probeApp(
    (request, response) => response.end(JSON.stringify([request.url, request.rawHeaders])),
    {
      path: "live?a=b",
      headers: [
        { name: "X-Twice", value: "1" },
        { name: "X-Twice", value: "2" },
        { name: "Host", value: "shop.example" },
        { name: "User-Agent", value: "mine" },
      ],
    },
  );
  const sent: unknown = JSON.parse(result.text);
  const expected = ["x-twice", "1", "2", "host", "shop.example", "user-agent", "mine"];
  expect(sent).toEqual(["/live?a=b", expect.arrayContaining(expected)]);
});

test("http: a redirect on the same host is followed, with its path", async () => {
  const result = await probeApp((request, response) => {
    if (request.url === "/live") response.writeHead(302, { Location: "/other?x" });
    else if (request.url === "/other?x") response.writeHead(500);
    response.end("there");
  });
  expect(result).toEqual({ status: 500, text: "there" });
});

test("http: a redirect to another host is success, and not followed", async () => {
  const result = await probeApp((_request, response) => {
    response.writeHead(301, { Location: "https://elsewhere.invalid/" });
    response.end();
  });
  expect(result.status).toBe(200);
});

test("http: redirects in a circle fail", async () => {
  const result = await probeApp((_request, response) => {
    response.writeHead(302, { Location: "/live" });
    response.end();
  });
  expect(result.status).toBe(508);
});

test("http: of a long answer the start is enough", async () => {
  const result = await probeApp((_request, response) => {
    response.end("x".repeat(1_000_000));
  });
  expect(result.status).toBe(200);
  expect(result.text).toHaveLength(10 * 1024);
});

test("http: an application that hangs is out of time", async () => {
  const result = await probeApp(() => {});
  expect(result.status).toBe(504);
}, 15_000);

test("https: a certificate that nobody vouches for is good enough, as for the kubelet", async () => {
  const directory = mkdtempSync(join(tmpdir(), "probe-"));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
  });
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  execFileSync("openssl", [...args, "-keyout", key, "-out", cert, "-subj", "/CN=x"], {
    stdio: "ignore",
  });
  const options = { key: readFileSync(key), cert: readFileSync(cert) };
  const port = await start(createTlsServer(options, (_request, response) => response.end("tls")));
  const action = { kind: "http", scheme: "https", port, path: "/", headers: [] } as const;
  expect(await probe(action)).toEqual({ status: 200, text: "tls" });
});

test("tcp: a port that accepts, and one that does not", async () => {
  const server = createNetServer((socket) => socket.on("error", () => {}));
  const port = await start(server);
  expect((await probe({ kind: "tcp", port })).status).toBe(200);
  server.close();
  await once(server, "close");
  expect(await probe({ kind: "tcp", port })).toMatchObject({ status: 503 });
});

test("the probe goes to the host it is given: what listens on loopback only is not there", async () => {
  const server = createServer((_request, response) => response.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const action = { kind: "http", scheme: "http", port, path: "/", headers: [] } as const;
  expect((await probe(action)).status).toBe(200);
  expect((await probe(action, 5, "127.0.0.2")).status).toBe(503);
});

function identity(bytes: Buffer): Buffer {
  return bytes;
}

/** A gRPC server with the health service, as an application would have it. */
async function startHealth(statuses: Readonly<Record<string, number>>): Promise<number> {
  const server = new GrpcServer();
  server.addService(
    {
      check: {
        path: "/grpc.health.v1.Health/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      check: (
        call: { request: Buffer },
        callback: (error: { code: number } | null, answer?: Buffer) => void,
      ) => {
        const value = statuses[call.request.subarray(2).toString()];
        if (value === undefined) callback({ code: grpcStatus.NOT_FOUND });
        else callback(null, Buffer.from(value === 0 ? [] : [8, value]));
      },
    },
  );
  cleanups.push(() => {
    server.forceShutdown();
  });
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

test.each([
  ["", 200, "serving"],
  ["db", 503, "service is NOT_SERVING"],
  ["new", 503, "service is UNKNOWN"],
  ["none", 503, "the service is unknown to the health service (gRPC status 5)"],
])("grpc: service %j is %i", async (service, status, text) => {
  const port = await startHealth({ "": 1, db: 2, new: 0 });
  expect(await probe({ kind: "grpc", port, service })).toEqual({ status, text });
});

test("grpc: no health service", async () => {
  const server = new GrpcServer();
  cleanups.push(() => {
    server.forceShutdown();
  });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) => {
      resolve(bound);
    });
  });
  expect(await probe({ kind: "grpc", port, service: "" })).toMatchObject({ status: 503 });
});

test.each<[string, (socket: Socket) => void]>([
  ["does not speak HTTP/2", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["closes at once", (socket) => socket.destroy()],
])("grpc: an application that %s", async (_name, behaviour) => {
  const port = await start(
    createNetServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        behaviour(socket);
      });
    }),
  );
  expect(await probe({ kind: "grpc", port, service: "" })).toMatchObject({ status: 503 });
});

test("grpc: an application that hangs is out of time", async () => {
  const port = await start(createNetServer((socket) => socket.resume()));
  expect(await probe({ kind: "grpc", port, service: "" }, 1)).toMatchObject({ status: 504 });
});
