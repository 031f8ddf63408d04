import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { createServer as createNetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  deny,
  dial,
  eventOf,
  fetchHead,
  parseRaw,
  readAll,
  readUntil,
  sendRaw,
} from "./harness.ts";

const open: Bench[] = [];

async function bench(options?: BenchOptions): Promise<Bench> {
  const made = await createBench(options);
  open.push(made);
  return made;
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const upgradeHead =
  "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-User: mallory\r\n";
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const getClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** An application that switches to a protocol of its own: it says back what it hears. */
function createEchoApp() {
  const app = createServer((request, response) => response.end(`no upgrade: ${request.url}`));
  app.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {});
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    );
    socket.write(head);
    socket.pipe(socket);
    app.emit("switched", socket, request);
  });
  return app;
}

test("WebSocket: decided on the head, then carried through in both directions", async () => {
  const app = createServer();
  const sockets = new WebSocketServer({ server: app });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      socket.send(data, { binary: isBinary });
    });
  });
  const { port, reports } = await bench({
    app,
    decide: () => ({ ...allow, responseHeaders: [["X-Added", "1"]] }),
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  const upgraded = eventOf(client, "upgrade");
  await eventOf(client, "open");
  const [response] = await upgraded;
  expect(response).toMatchObject({ headers: { "x-added": "1" } });
  const big = Buffer.alloc(5 * 1024 * 1024, "x");
  for (const data of ["hello", big]) {
    client.send(data);
    const [message] = await eventOf(client, "message");
    expect(
      Buffer.compare(Buffer.from(data), message instanceof Buffer ? message : Buffer.of()),
    ).toBe(0);
  }
  expect(await reports.next()).toMatchObject({ status: 101, upgraded: true, reason: null });
  client.close(4321, "bye");
  const [code] = await eventOf(client, "close");
  expect(code).toBe(4321);
  sockets.close();
});

test("a refused WebSocket gets the refusal as an answer", async () => {
  const { port, seen } = await bench({ app: createEchoApp(), decide: () => deny });
  const answer = parseRaw(await sendRaw(port, `${upgradeHead}\r\n${getClose}`));
  expect(answer.status).toBe(403);
  expect(answer.headers).toContain("X-Bouncer-Reason: policy");
  expect(seen).toHaveLength(0);
});

test("an upgrade that the application declines is an ordinary answer", async () => {
  const { port } = await bench({ app: (_request, response) => response.writeHead(426).end("no") });
  // What comes behind the head belongs to a protocol that nobody has agreed to.
  const answer = parseRaw(await sendRaw(port, `${upgradeHead}\r\n${getClose}`));
  expect(answer).toMatchObject({ status: 426, body: "no" });
});

test("an upgraded connection: verdict applied, early bytes kept, halves closed one by one", async () => {
  const app = createEchoApp();
  const { port, proxy } = await bench({
    app,
    decide: () => ({ ...allow, requestHeaders: [["X-User", "alice"]] }),
  });
  const switched = eventOf(app, "switched");
  const socket = await dial(port);
  socket.write(`${upgradeHead}\r\nearly `);
  const head = await readUntil(socket, "\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  expect(head).toContain("Upgrade: echo\r\nConnection: Upgrade");
  const [, request] = await switched;
  expect(request).toMatchObject({ headers: { "x-user": "alice", "x-forwarded-for": "127.0.0.1" } });
  expect(proxy.inFlight()).toBe(1);
  socket.end("late");
  expect(await readAll(socket)).toBe("early late");
});

test.each(["client", "app"])(
  "an upgraded connection that the %s cuts is cut for both",
  async (side) => {
    const app = createEchoApp();
    const { port } = await bench({ app });
    const switched = eventOf(app, "switched");
    const client = await dial(port);
    client.write(`${upgradeHead}\r\n`);
    await readUntil(client, "\r\n\r\n");
    const [appSocket] = await switched;
    if (!(appSocket instanceof Socket)) throw new Error("not a socket");
    const [cut, sees] = side === "client" ? [client, appSocket] : [appSocket, client];
    const failed = eventOf(sees, "error");
    sees.resume();
    cut.resetAndDestroy();
    expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);
  },
);

test.each([
  ["h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"],
  ["h2", "Connection: Upgrade\r\nUpgrade: h2\r\n"],
  ["HTTP/2.0", "Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n"],
  ["TLS/1.0", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"],
  ["a choice", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"],
  ["no word of it in Connection", "Upgrade: websocket\r\n"],
  ["a body", "Connection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 2\r\n"],
])("no upgrade, but an ordinary request, with %s", async (_name, headers) => {
  const app = createEchoApp();
  const { port, seen } = await bench({ app });
  const bytes = `GET /x HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
  const socket = await dial(port);
  socket.write(bytes + (headers.includes("Length") ? "ab" : ""));
  const first = await readUntil(socket, "/x");
  socket.write(getClose);
  const text = first + (await readAll(socket));
  expect(text).toContain("no upgrade: /x");
  expect(text).not.toContain("101");
  expect(seen[0]?.headers).not.toHaveProperty("upgrade");
  expect(seen[0]?.headers).not.toHaveProperty("http2-settings");
});

test("a client that goes away takes the application's work with it", async () => {
  const app = createServer();
  const { port, reports } = await bench({ app });
  const requested = eventOf(app, "request");
  const client = await dial(port);
  client.write(get);
  const [, response] = await requested;
  if (!(response instanceof ServerResponse)) throw new Error("not a response");
  const closed = eventOf(response, "close");
  client.destroy();
  await closed;
  expect(await reports.next()).toMatchObject({ aborted: "client", status: null, reason: null });
});

test("a client that goes away in the middle of its upload does, too", async () => {
  const app = createServer();
  const { port, reports } = await bench({ app });
  const requested = eventOf(app, "request");
  const client = await dial(port);
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const [request] = await requested;
  if (!(request instanceof IncomingMessage)) throw new Error("not a request");
  const aborted = eventOf(request, "error");
  request.resume();
  client.destroy();
  await aborted;
  expect(request.complete).toBe(false);
  expect(await reports.next()).toMatchObject({ aborted: "client", requestBytes: 4 });
});

test("a client that goes away while its body is read ahead is reported, and decided on never", async () => {
  let decided = 0;
  const { port, reports, proxy } = await bench({
    bodyBytes: 100,
    decide: () => {
      decided += 1;
      return allow;
    },
  });
  const client = await dial(port);
  client.write(
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\nhalf",
  );
  await readUntil(client, "100 Continue\r\n\r\n");
  client.destroy();
  expect(await reports.next()).toMatchObject({ aborted: "client", decision: null });
  expect(decided).toBe(0);
  expect(proxy.inFlight()).toBe(0);
});

test("an application that breaks off breaks off for the client", async () => {
  const { port, reports } = await bench({
    app: (_request, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("part", () => response.destroy());
    },
  });
  const response = await fetchHead({ port });
  const failed = eventOf(response, "error");
  response.resume();
  await failed;
  expect(response.complete).toBe(false);
  expect(await reports.next()).toMatchObject({ aborted: "app", reason: "app_failed", status: 200 });
});

test("an application that is down: 502, at once", async () => {
  const app = createServer();
  const { port, reports } = await bench({ app });
  app.close();
  await eventOf(app, "close");
  const answer = parseRaw(await sendRaw(port, getClose));
  expect(answer.status).toBe(502);
  expect(answer.headers).toContain("X-Bouncer-Reason: app_unreachable");
  expect(await reports.next()).toMatchObject({ reason: "app_unreachable", status: 502 });
});

/** An application that treats each connection by the function for it, the last for all others. */
function createRawApp(...behaviours: ((socket: Socket, text: string) => void)[]) {
  let connections = 0;
  return createNetServer((socket) => {
    const behaviour = behaviours[Math.min(connections, behaviours.length - 1)];
    connections += 1;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      behaviour?.(socket, chunk.toString("latin1"));
    });
  });
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test.each<[string, (socket: Socket) => void, number, string]>([
  ["resets the connection", (socket) => socket.resetAndDestroy(), 502, "app_failed"],
  ["closes the connection", (socket) => socket.end(), 502, "app_failed"],
  ["does not speak HTTP", (socket) => socket.end("SSH-2.0-OpenSSH\r\n"), 502, "app_failed"],
  [
    "sends two lengths",
    (socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok`),
    502,
    "app_failed",
  ],
  [
    "switches protocols unasked",
    (socket) => socket.write("HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    502,
    "app_failed",
  ],
  [
    "sends a header larger than any",
    (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${"y".repeat(100_000)}\r\n\r\n`),
    502,
    "app_failed",
  ],
  ["says nothing", () => {}, 504, "app_timeout"],
])("an application that %s", async (_name, behaviour, status, reason) => {
  const { port, reports } = await bench({
    app: createRawApp(behaviour),
    deps: { targetTimeoutMs: 200 },
  });
  const answer = parseRaw(await sendRaw(port, getClose));
  expect(answer.status).toBe(status);
  const report = await reports.next();
  expect(answer.headers).toContain(`X-Bouncer-Reason: ${reason}`);
  expect(answer.headers).toContain(`X-Bouncer-Decision-Id: ${report.id}`);
  expect(JSON.parse(answer.body)).toEqual({ reason, decision_id: report.id });
  expect(report).toMatchObject({ status, reason, decision: { verdict: { kind: "allow" } } });
});

test("a body that stops coming is the client's fault, not the application's", async () => {
  const { port, reports } = await bench({
    app: (request) => request.resume(),
    deps: { targetTimeoutMs: 100 },
  });
  const client = await dial(port);
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  expect(parseRaw(await readUntil(client, "\r\n\r\n")).status).toBe(408);
  expect(await reports.next()).toMatchObject({ reason: "request_timeout" });
  client.destroy();
});

test("a body that the policy waits for does not wait for ever", async () => {
  const { port, seen } = await bench({ bodyBytes: 100, deps: { bodyTimeoutMs: 100 } });
  const client = await dial(port);
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  expect(parseRaw(await readUntil(client, "\r\n\r\n")).status).toBe(408);
  client.destroy();
  expect(seen).toHaveLength(0);
});

test("the clock of a slow application stands still while it is being sent to", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const app = createServer((request, response) => {
    request.on("data", () => app.emit("part"));
    request.on("end", () => response.end("late"));
  });
  const { port } = await bench({ app, deps: { targetTimeoutMs: 100 } });
  const client = await dial(port);
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nConnection: close\r\n\r\n");
  for (const part of "upload") {
    const arrived = eventOf(app, "part");
    client.write(part);
    await arrived;
    vi.advanceTimersByTime(90);
  }
  expect(parseRaw(await readAll(client))).toMatchObject({ status: 200, body: "late" });
});

/** Answers once, then ends at the next request as if the connection had been idle too long. */
function createStaleApp(requests: string[]) {
  const answerOnce = (socket: Socket, text: string): void => {
    requests.push(text.split(" ", 1)[0] ?? "");
    if (requests.length === 1) socket.write(ok);
    else socket.resetAndDestroy();
  };
  const answer = (socket: Socket, text: string): void => {
    requests.push(text.split(" ", 1)[0] ?? "");
    socket.write(ok);
  };
  return createRawApp(answerOnce, answer);
}

test("a request that may be repeated survives a connection that died while idle", async () => {
  const requests: string[] = [];
  const { port, reports } = await bench({ app: createStaleApp(requests) });
  for (let i = 0; i < 2; i += 1) {
    expect(parseRaw(await sendRaw(port, getClose))).toMatchObject({ status: 200, body: "ok" });
    expect(await reports.next()).toMatchObject({ status: 200, reason: null });
  }
  expect(requests).toEqual(["GET", "GET", "GET"]);
});

test.each([
  ["a POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
  [
    "a PUT with a body",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
  ],
])("%s is never sent twice", async (_name, bytes) => {
  const requests: string[] = [];
  const { port } = await bench({ app: createStaleApp(requests) });
  await sendRaw(port, getClose);
  const answer = parseRaw(await sendRaw(port, bytes));
  expect(answer.status).toBe(502);
  expect(requests).toHaveLength(2);
});

test("a request is repeated once, not for ever", async () => {
  let connections = 0;
  const app = createNetServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.on("data", () => socket.resetAndDestroy());
  });
  const { port } = await bench({ app });
  expect(parseRaw(await sendRaw(port, getClose)).status).toBe(502);
  expect(connections).toBe(2);
});

test("draining: every response asks for a new connection, and every request is still served", async () => {
  const one = await bench();
  const socket = await dial(one.port);
  socket.write(get);
  expect(parseRaw(await readUntil(socket, "app")).headers).not.toContain("Connection: close");
  one.draining = true;
  socket.write(get);
  const last = parseRaw(await readAll(socket));
  expect(last.headers).toContain("Connection: close");
  expect(last.status).toBe(200);
  const another = parseRaw(await sendRaw(one.port, get));
  expect(another.headers).toContain("Connection: close");
});

test("stopping waits for what is in flight, and takes nothing new", async () => {
  const app = createServer((_request, response) => {
    app.once("release", () => response.end("late"));
  });
  const one = await bench({ app });
  const idle = await dial(one.port);
  const busy = await dial(one.port);
  busy.write(getClose);
  await eventOf(app, "request");
  const idleClosed = eventOf(idle, "close");
  idle.resume();
  idle.on("end", () => idle.end());
  const stopped = one.proxy.stop(60_000);
  await idleClosed;
  await expect(dial(one.port)).rejects.toThrow("ECONNREFUSED");
  app.emit("release");
  expect(parseRaw(await readAll(busy))).toMatchObject({ status: 200, body: "late" });
  busy.end();
  expect(await stopped).toBe(true);
});

test("stopping ends what does not end", async () => {
  const app = createServer();
  const one = await bench({ app });
  const busy = await dial(one.port);
  busy.write(get);
  await eventOf(app, "request");
  expect(await one.proxy.stop(50)).toBe(false);
  expect(await readAll(busy)).toBe("");
  expect(await one.reports.next()).toMatchObject({ aborted: "client" });
});

test("draining under load loses nothing", async () => {
  const app = createServer((request, response) => {
    request.on("end", () => setImmediate(() => response.end("done")));
    request.resume();
  });
  // Two pods: who is told to close comes back to the other one.
  const [old, fresh] = [await bench({ app }), await bench()];
  let finished = 0;
  const client = async (): Promise<number> => {
    const bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    const socket = await dial(old.port);
    for (let sent = 1; ; sent += 1) {
      socket.write(bytes);
      const answer = await readUntil(socket, "done");
      expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
      finished += 1;
      if (finished === 500) old.draining = true;
      if (!answer.includes("Connection: close")) continue;
      socket.destroy();
      expect(parseRaw(await sendRaw(fresh.port, getClose)).status).toBe(200);
      return sent;
    }
  };
  const clients = Promise.all(Array.from({ length: 20 }, client));
  // The drain delay: long enough for every connection to get one more answer.
  const sent = (await clients).reduce((sum, count) => sum + count, 0);
  expect(await old.proxy.stop(10_000)).toBe(true);
  expect(finished).toBe(sent);
  expect(old.reports.all.filter((report) => report.status === 200)).toHaveLength(sent);
});
