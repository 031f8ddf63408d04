/** Opaque ports, through real sockets: what is carried, what is refused, and what is told of it. */
import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import type { ConnectionHead } from "../../../src/policy/decision.ts";
import { defaultLimits } from "../../../src/proxy/listener.ts";
import { createCertificate } from "../sync/server.ts";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  deny,
  dial,
  eventOf,
  readAll,
  readUntil,
} from "./harness.ts";

const open: Bench[] = [];

async function bench(options?: BenchOptions): Promise<Bench> {
  const made = await createBench({ opaque: true, ...options });
  open.push(made);
  return made;
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** An application at whose sockets the tests look themselves. */
function createApp(onSocket: (socket: Socket) => void = () => {}) {
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
}

const echo = (socket: Socket): void => void socket.pipe(socket);

function asSocket([socket]: readonly unknown[]): Socket {
  if (!(socket instanceof Socket)) throw new Error("not a socket");
  return socket;
}

/** How a connection ended on which nothing was heard: by an error, or in order. */
async function outcomeOf(socket: Socket): Promise<unknown> {
  const failed = eventOf(socket, "error").then(([error]) => error);
  const ended = eventOf(socket, "end").then(() => "ended");
  socket.resume();
  return await Promise.race([failed, ended]);
}

/** What was heard, or how that failed. */
async function hear(socket: Socket): Promise<string> {
  const failed = eventOf(socket, "error").then(([error]) =>
    error instanceof Error && "code" in error ? String(error.code) : "failed",
  );
  return await Promise.race([readAll(socket), failed]);
}

/** How a connection ended, where the reset may come before the client has seen that it is connected. */
async function attempt(port: number): Promise<unknown> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write("let me in");
  return await outcomeOf(socket);
}

const reset = { code: "ECONNRESET" };

test("allowed: carried byte for byte, with the end of each side for itself; recorded at its end", async () => {
  const asked: ConnectionHead[] = [];
  const app = createApp();
  const { port, appPort, proxy, reports } = await bench({
    app,
    decideConnection: (connection) => {
      asked.push(connection);
      return allow;
    },
  });
  const accepted = eventOf(app, "connection");
  const client = await dial(port);
  const source = { address: "127.0.0.1", port: client.localPort };
  const served = asSocket(await accepted);
  const heard = readAll(served);
  client.end("\0request\xff", "latin1");
  expect(await heard).toBe("\0request\xff");
  expect(proxy.inFlight()).toBe(1);
  expect(proxy.connections()).toBe(1);
  expect(reports.all).toEqual([]);
  served.end("answer after the end");
  expect(await readAll(client)).toBe("answer after the end");
  const destination = { address: "127.0.0.1", port: appPort };
  expect(asked).toEqual([{ source, destination, sni: null }]);
  expect(await reports.next()).toMatchObject({
    source,
    destination,
    opaque: true,
    head: null,
    status: null,
    reason: null,
    aborted: null,
    requestBytes: 9,
    responseBytes: 20,
    decision: { verdict: { kind: "allow" } },
  });
  expect(reports.all).toHaveLength(1);
  expect(proxy.inFlight()).toBe(0);
});

test("the end of the application's side leaves the client's open", async () => {
  const app = createApp((socket) => socket.end("bye"));
  const { port } = await bench({ app });
  const accepted = eventOf(app, "connection");
  const client = await dial(port);
  expect(await readAll(client)).toBe("bye");
  client.end("still here");
  expect(await readAll(asSocket(await accepted))).toBe("still here");
});

test("denied by source: reset, and the application hears nothing of it", async () => {
  let accepted = 0;
  const { port, reports, proxy } = await bench({
    app: createApp(() => (accepted += 1)),
    decideConnection: ({ source }) => (source.address === "127.0.0.1" ? deny : allow),
  });
  expect(await attempt(port)).toMatchObject(reset);
  expect(await reports.next()).toMatchObject({
    reason: "policy",
    opaque: true,
    status: null,
    aborted: null,
    responseBytes: 0,
  });
  expect(accepted).toBe(0);
  expect(proxy.inFlight()).toBe(0);
});

test("no policy: reset", async () => {
  const { port, reports } = await bench({
    app: createApp(),
    decideConnection: () => ({ ...deny, status: 503, reason: "no_policy" }),
  });
  expect(await attempt(port)).toMatchObject(reset);
  expect(await reports.next()).toMatchObject({ reason: "no_policy", status: null });
});

test("shadow mode: what would be refused goes on, and is recorded as that", async () => {
  const { port, reports } = await bench({
    app: createApp(echo),
    decideConnection: () => deny,
    deps: { enforcement: { shadow: true, degradedRoutes: [] } },
  });
  const client = await dial(port);
  client.end("hello");
  expect(await readAll(client)).toBe("hello");
  expect(await reports.next()).toMatchObject({
    reason: null,
    passage: { kind: "shadow", reason: "policy" },
  });
});

test("nothing goes on before its record is written, and nothing without one", async () => {
  const recorded: (string | null)[] = [];
  const writes: ((outcome: "written" | "refused") => void)[] = [];
  let accepted = 0;
  const { port, reports } = await bench({
    app: createApp((socket) => {
      accepted += 1;
      echo(socket);
    }),
    deps: {
      commit: (report) => {
        recorded.push(report.reason);
        return new Promise((resolve) => {
          writes.push(resolve);
        });
      },
    },
  });
  const first = await dial(port);
  first.end("hello");
  await vi.waitFor(() => {
    expect(recorded).toEqual([null]);
  });
  expect(accepted).toBe(0);
  writes.shift()?.("written");
  expect(await readAll(first)).toBe("hello");
  expect(await reports.next()).toMatchObject({ recorded: { reason: null, status: null } });

  const second = await dial(port);
  await vi.waitFor(() => {
    expect(recorded).toHaveLength(2);
  });
  const outcome = outcomeOf(second);
  // Refused for want of a record: that cannot be recorded, either.
  writes.shift()?.("refused");
  await vi.waitFor(() => {
    expect(recorded).toEqual([null, null, "audit_unavailable"]);
  });
  writes.shift()?.("refused");
  expect(await outcome).toMatchObject(reset);
  expect(await reports.next()).toMatchObject({ reason: "audit_unavailable", recorded: null });
  expect(accepted).toBe(1);
});

test("an application that is down: reset, at once", async () => {
  const { port, reports } = await bench({
    app: createApp().on("listening", function close(this: ReturnType<typeof createApp>) {
      setImmediate(() => this.close());
    }),
  });
  await vi.waitFor(async () => {
    expect(await attempt(port)).toMatchObject(reset);
    expect(reports.all.at(-1)).toMatchObject({ reason: "app_unreachable", aborted: null });
  });
});

test("more than the limit at a time: reset", async () => {
  const { port, reports } = await bench({ app: createApp(echo), deps: { maxInFlight: 1 } });
  const first = await dial(port);
  first.write("a");
  await readUntil(first, "a");
  expect(await attempt(port)).toMatchObject(reset);
  expect(await reports.next()).toMatchObject({ reason: "overload", decision: null });
  first.end();
  expect(await readAll(first)).toBe("");
});

test.each(["client", "app"] as const)(
  "a connection that the %s cuts is cut for both",
  async (side) => {
    const app = createApp();
    const { port, reports, proxy } = await bench({ app });
    const accepted = eventOf(app, "connection");
    const client = await dial(port);
    const served = asSocket(await accepted);
    client.write("x");
    await readUntil(served, "x");
    const [cut, sees] = side === "client" ? [client, served] : [served, client];
    const failed = eventOf(sees, "error");
    sees.resume();
    cut.resetAndDestroy();
    expect(await failed).toMatchObject([reset]);
    expect(await reports.next()).toMatchObject({ aborted: side, reason: null });
    expect(proxy.inFlight()).toBe(0);
  },
);

test.each(["up", "down"] as const)("much, %s, at the pace of who reads it", async (way) => {
  const app = createApp();
  const { port, proxy, reports } = await bench({ app });
  const accepted = eventOf(app, "connection");
  const client = await dial(port);
  const served = asSocket(await accepted);
  const [from, to] = way === "up" ? [client, served] : [served, client];
  const total = 96 * 1024 * 1024;
  const chunk = Buffer.alloc(1024 * 1024, "x");
  let sent = 0;
  to.pause();
  const before = process.memoryUsage().arrayBuffers;
  // Until nothing more goes into buffers: of the kernel, and a little of ours.
  for (; sent < total && from.writableLength === 0; sent += chunk.length) {
    const flushed = new Promise<boolean>((resolve) => {
      from.write(chunk, () => resolve(true));
    });
    const timedOut = new Promise<boolean>((resolve) => {
      setTimeout(resolve, 300, false);
    });
    if (!(await Promise.race([flushed, timedOut]))) break;
  }
  expect(sent).toBeLessThan(total);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  sent += chunk.length;
  for (; sent < total; sent += chunk.length) from.write(chunk);
  from.end();
  let received = 0;
  to.on("data", (bytes: Buffer) => {
    received += bytes.length;
  });
  to.resume();
  await once(to, "end");
  expect(received).toBe(total);
  to.end();
  const done = await reports.next();
  expect(way === "up" ? done.requestBytes : done.responseBytes).toBe(total);
  expect(proxy.inFlight()).toBe(0);
});

test("what a client said before it was gone reaches an application that is slow to read it", async () => {
  const app = createApp((socket) => {
    socket.pause();
    socket.end("done with you");
  });
  const { port } = await bench({ app });
  const accepted = eventOf(app, "connection");
  const client = await dial(port);
  const served = asSocket(await accepted);
  const total = 4 * 1024 * 1024;
  client.resume();
  client.end(Buffer.alloc(total, "x"));
  const heard = readAll(served);
  served.resume();
  expect((await heard).length).toBe(total);
});

test("stopping: no new connections, those that are there may end, what is left is cut", async () => {
  const { port, proxy, reports } = await bench({ app: createApp(echo) });
  const [ends, stays] = [await dial(port), await dial(port)];
  for (const socket of [ends, stays]) {
    socket.write("a");
    await readUntil(socket, "a");
  }
  const patience = new AbortController();
  const stopped = proxy.stop(60_000, patience.signal);
  await expect(dial(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  ends.end("last words");
  expect(await readAll(ends)).toBe("last words");
  expect(await reports.next()).toMatchObject({ aborted: null });
  expect(proxy.inFlight()).toBe(1);
  const failed = eventOf(stays, "error");
  stays.resume();
  patience.abort();
  expect(await failed).toMatchObject([reset]);
  expect(await stopped).toBe(false);
});

test("stopping with nothing left says so", async () => {
  const { port, proxy } = await bench({ app: createApp(echo) });
  const client = await dial(port);
  const stopped = proxy.stop(60_000);
  client.end("x");
  expect(await readAll(client)).toBe("x");
  expect(await stopped).toBe(true);
});

const certificate = createCertificate("DNS:db.example");

function createTlsApp() {
  return createTlsServer({ ...certificate }, (socket) => {
    socket.on("error", () => {});
    socket.end("secret");
  });
}

function dialTls(port: number, servername: string) {
  return connectTls({ port, host: "127.0.0.1", servername, ca: certificate.cert });
}

test("TLS goes through as it is, and without need nobody looks for a name", async () => {
  const asked: unknown[] = [];
  const { port } = await bench({
    app: createTlsApp(),
    decideConnection: ({ sni }) => {
      asked.push(sni);
      return allow;
    },
  });
  const client = dialTls(port, "db.example");
  expect(await readAll(client)).toBe("secret");
  expect(client.authorized).toBe(true);
  expect(asked).toEqual([null]);
});

test.each([
  ["db.example", "secret"],
  ["other.example", "ECONNRESET"],
])("by the name of the TLS server: %s", async (name, expected) => {
  const { port, reports } = await bench({
    app: createTlsApp(),
    sni: true,
    decideConnection: ({ sni }) => (sni === "db.example" ? allow : deny),
  });
  const client = dialTls(port, name);
  expect(await hear(client)).toBe(expected);
  expect(await reports.next()).toMatchObject({
    decision: { input: { connection: { sni: name } } },
  });
  expect(reports.all).toHaveLength(1);
});

test.each([false, true])("a server that speaks first, where names are read: %s", async (sni) => {
  const app = createApp((socket) => {
    socket.write("220 ready\r\n");
    echo(socket);
  });
  const { port, reports } = await bench({ app, sni });
  const client = await dial(port);
  await readUntil(client, "220 ready\r\n");
  client.end("EHLO me\r\n");
  expect(await readAll(client)).toBe("EHLO me\r\n");
  expect(await reports.next()).toMatchObject({
    decision: { input: { connection: { sni: null } } },
  });
  expect(reports.all).toHaveLength(1);
});

test("a client that speaks another protocol does not wait, and one that only ends does not either", async () => {
  const { port } = await bench({ app: createApp(echo), sni: true });
  const [speaks, ends] = [await dial(port), await dial(port)];
  speaks.end("SSH-2.0-x\r\n");
  ends.end();
  expect(await readAll(speaks)).toBe("SSH-2.0-x\r\n");
  expect(await readAll(ends)).toBe("");
});

test.each([
  ["db.example", "secret"],
  ["other.example", "ECONNRESET"],
])("a ClientHello that comes late is decided on, too: %s", async (name, expected) => {
  const app = createTlsApp();
  const { port, reports } = await bench({
    app,
    sni: true,
    // Without a name: allowed, as where a server speaks first.
    decideConnection: ({ sni }) => (sni === null || sni === "db.example" ? allow : deny),
  });
  const accepted = eventOf(app, "connection");
  const socket = await dial(port);
  await accepted;
  const client = connectTls({ socket, servername: name, ca: certificate.cert });
  expect(await hear(client)).toBe(expected);
  client.destroy();
  const sni = { decision: { input: { connection: { sni: null } } } };
  expect(await reports.next()).toMatchObject(sni);
  expect(await reports.next()).toMatchObject({
    decision: { input: { connection: { sni: name } } },
  });
  expect(reports.all).toHaveLength(2);
  expect(reports.all[0]?.id).not.toBe(reports.all[1]?.id);
});

test.each([
  ["stops within", "\x16\x03\x01\x02\x00", false, "request_timeout"],
  ["ends within", "\x16\x03\x01\x02\x00", true, "bad_request"],
  ["sends nonsense as", "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", false, "bad_request"],
])("a client that %s its ClientHello is refused", async (_name, bytes, ends, reason) => {
  let asked = 0;
  const { port, reports } = await bench({
    app: createApp(),
    sni: true,
    decideConnection: () => {
      asked += 1;
      return allow;
    },
    limits: { ...defaultLimits, headTimeoutMs: 500 },
  });
  const client = await dial(port);
  client.write(bytes, "latin1");
  if (ends) client.end();
  expect(await outcomeOf(client)).toMatchObject(reset);
  expect(await reports.next()).toMatchObject({ reason, decision: null });
  expect(asked).toBe(0);
});
