import { once } from "node:events";
import { type ClientRequest, createServer } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  allow,
  type Bench,
  type BenchOptions,
  createBench,
  deny,
  dial,
  fetchHead,
  headerLines,
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

test("an allowed request reaches the application as it was, but for what is this hop's", async () => {
  const { port, seen, reports } = await bench({
    app: (_request, response) => {
      response.writeHead(201, "Made Up", [
        "X-First",
        "1",
        "x-Second",
        "2",
        "Set-Cookie",
        "a",
        "Set-Cookie",
        "b",
      ]);
      response.end("hello");
    },
  });
  const answer = parseRaw(
    await sendRaw(
      port,
      "GET /a/%7Eb?c=%2F HTTP/1.1\r\nHost: shop.example\r\nX-Odd-CASE: \xe9\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nProxy-Authorization: x\r\n\r\n",
    ),
  );
  expect(answer.status).toBe(201);
  expect(answer.headers).toContain("X-First: 1\nx-Second: 2\nSet-Cookie: a\nSet-Cookie: b");
  expect(answer.body).toBe("hello");
  const [request] = seen;
  expect(request?.url).toBe("/a/~b?c=%2F");
  expect(request === undefined ? [] : headerLines(request)).toEqual([
    "Host: shop.example",
    "X-Odd-CASE: \xe9",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: shop.example",
    "Via: 1.1 bouncer",
  ]);
  expect(await reports.next()).toMatchObject({
    status: 201,
    reason: null,
    aborted: null,
    responseBytes: 5,
    head: { target: "/a/~b?c=%2F", host: "shop.example" },
  });
});

test("a refused request never reaches the application", async () => {
  const { port, seen, reports } = await bench({ decide: () => deny });
  const answer = parseRaw(
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  const report = await reports.next();
  expect(answer.status).toBe(403);
  expect(answer.headers).toContain("X-Bouncer-Reason: policy");
  expect(answer.headers).toContain(`X-Bouncer-Decision-Id: ${report.id}`);
  expect(JSON.parse(answer.body)).toEqual({ reason: "policy", decision_id: report.id });
  expect(report).toMatchObject({ status: 403, reason: "policy" });
  expect(seen).toHaveLength(0);
});

test("the policy chooses status, headers and body of its refusal, but not how it is framed", async () => {
  const { port } = await bench({
    decide: () => ({
      ...deny,
      status: 401,
      headers: [
        ["WWW-Authenticate", "Bearer"],
        ["Content-Type", "text/html"],
        ["Content-Length", "1"],
        ["Transfer-Encoding", "chunked"],
        ["X-Bouncer-Reason", "none"],
      ],
      body: "<p>no</p>",
    }),
  });
  const answer = parseRaw(
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  expect(answer).toMatchObject({ status: 401, body: "<p>no</p>" });
  expect(answer.headers).toContain("WWW-Authenticate: Bearer\nContent-Type: text/html");
  expect(answer.headers).toContain("Content-Length: 9");
  expect(answer.headers).toContain("X-Bouncer-Reason: policy");
  expect(answer.headers).not.toMatch(/chunked|none/);
});

test("a refusal that HTTP cannot carry is still a refusal", async () => {
  const { port, seen, reports } = await bench({
    decide: () => ({ ...deny, headers: [["X-Split", "a\r\nb: c"]] }),
  });
  const answer = parseRaw(
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  expect(answer.status).toBe(403);
  expect(answer.headers).not.toContain("X-Split");
  expect((await reports.next()).detail).toContain("could not be written");
  expect(seen).toHaveLength(0);
});

test("a policy that throws refuses", async () => {
  const { port, seen, reports } = await bench({
    decide: () => {
      throw new Error("bug");
    },
  });
  const answer = parseRaw(
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain("bug");
  expect(await reports.next()).toMatchObject({ reason: "internal", detail: "bug" });
  expect(seen).toHaveLength(0);
});

test("the verdict changes headers and query in both directions", async () => {
  const { port, seen } = await bench({
    app: (_request, response) => {
      response.setHeader("X-Bouncer-Reason", "forged by the application");
      response.end();
    },
    decide: () => ({
      ...allow,
      requestHeaders: [
        ["x-user", "alice"],
        ["content-length", "7"],
      ],
      requestHeadersToRemove: ["authorization"],
      responseHeaders: [["X-Added", "1"]],
      queryParametersToRemove: ["secret"],
      queryParametersToSet: [["tenant", "a b"]],
    }),
  });
  const answer = parseRaw(
    await sendRaw(
      port,
      "GET /x?secret=1&keep=2&tenant=evil HTTP/1.1\r\nHost: a\r\nX-User: mallory\r\nX_User: eve\r\nAuthorization: Bearer t\r\nConnection: close\r\n\r\n",
    ),
  );
  const [request] = seen;
  expect(request?.url).toBe("/x?keep=2&tenant=a%20b");
  const lines = request === undefined ? [] : headerLines(request);
  expect(lines.filter((line) => /user/i.test(line))).toEqual(["x-user: alice"]);
  expect(lines.join()).not.toMatch(/bearer|content-length/i);
  expect(answer.headers).toContain("X-Added: 1");
  expect(answer.headers).not.toContain("forged");
});

test("a verdict's header that cannot be sent refuses the request", async () => {
  const { port, seen } = await bench({
    decide: () => ({ ...allow, requestHeaders: [["x-user", "a\r\nX-Role: admin"]] }),
  });
  const answer = parseRaw(
    await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  expect(answer.status).toBe(500);
  expect(seen).toHaveLength(0);
});

const forged = [
  "X-Forwarded-For: 1.1.1.1",
  "X_Forwarded_For: 1.1.1.1",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: evil",
  "X-Forwarded-Client-Cert: By=x",
  "X-Forwarded-User: root",
  "Forwarded: for=1.1.1.1",
  "X-Real-IP: 1.1.1.1",
  "True-Client-IP: 1.1.1.1",
  "X-Envoy-External-Address: 1.1.1.1",
  "X-Original-URL: /admin",
  "X-Rewrite-URL: /admin",
  "X-Bouncer-Decision-Id: 1",
  "x_bouncer_reason: none",
];

test.each(forged)("a client's %s reaches neither policy nor application", async (line) => {
  const heads: string[] = [];
  const { port, seen } = await bench({
    decide: (head) => {
      heads.push(head.rawHeaders.join("|"));
      return allow;
    },
  });
  await sendRaw(port, `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\nConnection: close\r\n\r\n`);
  const [name = "", value = ""] = line.split(": ");
  const [request] = seen;
  const sent = request === undefined ? "" : headerLines(request).join("|");
  expect(sent).toContain("X-Forwarded-For: 127.0.0.1|X-Forwarded-Proto: http|X-Forwarded-Host: a");
  expect(sent).not.toContain(`${name}: ${value}`);
  expect(heads[0]).not.toContain(`${name}|${value}`);
});

test("a trusted peer's word about its client is kept and added to", async () => {
  const { port, seen } = await bench({ deps: { isTrusted: () => true } });
  await sendRaw(
    port,
    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\nX-Real-IP: 1.1.1.1\r\nX-Bouncer-User: x\r\nConnection: close\r\n\r\n",
  );
  expect(seen[0]?.headers).toMatchObject({
    "x-forwarded-for": "1.1.1.1, 2.2.2.2, 127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "public.example",
    "x-real-ip": "1.1.1.1",
  });
  expect(seen[0]?.headers).not.toHaveProperty("x-bouncer-user");
});

test.each([
  ["HEAD", 200, { "Content-Length": "1000" }],
  ["GET", 204, {}],
  ["GET", 304, { ETag: '"x"', "Content-Length": "1000" }],
])("%s %i has no body, and the connection goes on", async (method, status, headers) => {
  const { port } = await bench({
    app: (_request, response) => {
      response.writeHead(status, headers);
      response.end();
    },
  });
  const socket = await dial(port);
  const request = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
  socket.write(request);
  const first = await readUntil(socket, "\r\n\r\n");
  socket.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  const second = await readAll(socket);
  expect(parseRaw(first)).toMatchObject({ status, body: "" });
  expect(parseRaw(second)).toMatchObject({ status, body: "" });
});

test("trailers of the response come through", async () => {
  const { port } = await bench({
    app: (_request, response) => {
      response.writeHead(200, { Trailer: "Grpc-Status, Content-Length" });
      response.write("data");
      response.addTrailers([["Grpc-Status", "0"]]);
      response.end();
    },
  });
  const text = await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(text).toContain("Trailer: Grpc-Status");
  expect(text).toMatch(/4\r\ndata\r\n0\r\nGrpc-Status: 0\r\n\r\n$/);
});

test("an HTTP/1.0 client gets its answer without chunks", async () => {
  const { port } = await bench({
    app: (_request, response) => {
      response.write("a");
      response.end("b");
    },
  });
  const answer = parseRaw(await sendRaw(port, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"));
  expect(answer.body).toBe("ab");
  expect(answer.headers).not.toMatch(/chunked/i);
});

test("early hints come through before the answer", async () => {
  const { port } = await bench({
    app: (_request, response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => response.end("done"));
    },
  });
  const text = await sendRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(text).toMatch(
    /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 200 OK/i,
  );
});

test("pipelined requests are answered in order", async () => {
  const { port } = await bench({ app: (request, response) => response.end(request.url) });
  const requests = ["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const text = await sendRaw(
    port,
    requests.join("").replace(/\r\n\r\n$/, "\r\nConnection: close\r\n\r\n"),
  );
  expect([...text.matchAll(/\r\n\r\n(\/\d)/g)].map((match) => match[1])).toEqual([
    "/1",
    "/2",
    "/3",
  ]);
});

test("an absolute-form target becomes origin form", async () => {
  const { port, seen } = await bench();
  await sendRaw(
    port,
    "GET http://A.example/x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
  );
  expect(seen[0]?.url).toBe("/x?y");
});

test.each([
  ["with a length", "Content-Length: 11\r\n\r\nhello world"],
  ["in chunks", "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"],
])("a body %s arrives whole, read ahead or not", async (_name, rest) => {
  for (const bodyBytes of [0, 4, 11, 64]) {
    const bodies: string[] = [];
    const read: unknown[] = [];
    const { port, reports } = await bench({
      bodyBytes,
      app: (request, response) => {
        void readAll(request).then((body) => {
          bodies.push(body);
          return response.end();
        });
      },
      decide: (_head, body) => {
        read.push(body === null ? null : [Buffer.from(body.bytes).toString(), body.truncated]);
        return allow;
      },
    });
    await sendRaw(port, `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`);
    expect(bodies).toEqual(["hello world"]);
    const start = "hello world".slice(0, bodyBytes);
    expect(read).toEqual([bodyBytes === 0 ? null : [start, bodyBytes < 11]]);
    expect((await reports.next()).requestBytes).toBe(11);
  }
});

test("Expect: 100-continue is answered by the application, once the policy has allowed", async () => {
  const { port, seen } = await bench({
    app: (request, response) => {
      request.pipe(response);
    },
  });
  const socket = await dial(port);
  socket.write(
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
  );
  expect(await readUntil(socket, "\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  socket.write("body");
  expect(parseRaw(await readAll(socket)).body).toBe("body");
  expect(seen[0]?.headers).toHaveProperty("expect");
});

test("Expect: 100-continue of a refused request gets the refusal and no 100", async () => {
  const { port } = await bench({ decide: () => deny });
  const socket = await dial(port);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  const answer = parseRaw(await readAll(socket));
  expect(answer.status).toBe(403);
  expect(answer.headers).toContain("Connection: close");
});

test("a refused upload does not cost the client its answer", async () => {
  const { port } = await bench({ decide: () => deny });
  const response = await fetchHead({ port, method: "POST" }, (request) => {
    request.end(Buffer.alloc(8 * 1024 * 1024));
  });
  expect(response.statusCode).toBe(403);
});

test("an answer before the end of the upload reaches the client", async () => {
  const { port } = await bench({
    app: (_request, response) => {
      response.writeHead(413, { Connection: "close" });
      response.end("too much");
    },
  });
  const response = await fetchHead({ port, method: "POST" }, (request) => {
    request.write(Buffer.alloc(64 * 1024));
  });
  expect(response.statusCode).toBe(413);
  expect(await readAll(response)).toBe("too much");
});

describe.each<[string, BenchOptions]>([
  ["refused", { decide: () => deny }],
  ["answered early", { app: (_request, response) => response.end() }],
])("the body of a request that was %s", (_name, options) => {
  const size = 8 * 1024 * 1024;
  const head = "POST / HTTP/1.1\r\nHost: a\r\n";

  test("is read to its end, so that the answer is not lost and the connection goes on", async () => {
    const { port, reports } = await bench(options);
    const socket = await dial(port);
    socket.write(`${head}Content-Length: ${size}\r\n\r\nx`);
    await reports.next();
    socket.write("x".repeat(size - 1));
    socket.write(`${head}Content-Length: 0\r\nConnection: close\r\n\r\n`);
    const text = await readAll(socket);
    expect(text.match(/HTTP\/1.1 /g)).toHaveLength(2);
  });

  test("is given up when nothing more of it comes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { port, reports } = await bench(options);
    const socket = await dial(port);
    const text = readAll(socket);
    socket.write(`${head}Content-Length: ${size}\r\n\r\nx`);
    await reports.next();
    vi.advanceTimersByTime(5000);
    expect((await text).match(/HTTP\/1.1 /g)).toHaveLength(1);
  });
});

test("events are passed on as they come, and an endless response is no timeout", async () => {
  const app = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    app.on("tick", (text: string) => response.write(`data: ${text}\n\n`));
  });
  const { port } = await bench({ app, deps: { targetTimeoutMs: 50 } });
  const socket = await dial(port);
  socket.write("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(await readUntil(socket, "\r\n\r\n")).toContain("text/event-stream");
  app.emit("tick", "one");
  expect(await readUntil(socket, "data: one\n\n")).toContain("data: one");
  app.emit("tick", "two");
  expect(await readUntil(socket, "data: two\n\n")).toContain("data: two");
  socket.destroy();
});

test("big bodies stream both ways in constant memory, as fast as the slower side", async () => {
  const size = 512 * 1024 * 1024;
  const { port, reports } = await bench({
    app: (request, response) => {
      response.writeHead(200, { "Content-Length": size });
      request.pipe(response);
    },
  });
  const chunk = Buffer.alloc(1024 * 1024, "x");
  const before = process.memoryUsage().rss;
  let peak = before;
  let received = 0;
  const send = async (request: ClientRequest): Promise<void> => {
    for (let sent = 0; sent < size; sent += chunk.length) {
      if (!request.write(chunk)) await once(request, "drain");
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    request.end();
  };
  const options = { port, method: "POST", headers: { "Content-Length": size } };
  const response = await fetchHead(options, (request) => void send(request));
  response.on("data", (part: Buffer) => {
    received += part.length;
  });
  await once(response, "end");
  expect(received).toBe(size);
  expect(await reports.next()).toMatchObject({ requestBytes: size, responseBytes: size });
  // Client, application and their garbage are in this process, too; buffering costs all of it.
  expect(peak - before).toBeLessThan(size / 2);
});

test("more requests than the limit are refused, and the limit is given back", async () => {
  const app = createServer((_request, response) => {
    app.once("release", () => response.end("late"));
  });
  const { port } = await bench({ app, deps: { maxInFlight: 1 } });
  const first = await dial(port);
  first.write("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(app, "request");
  const close = "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const refused = parseRaw(await sendRaw(port, close));
  expect(refused.status).toBe(503);
  expect(refused.headers).toContain("X-Bouncer-Reason: overload");
  app.emit("release");
  await readUntil(first, "late");
  const again = sendRaw(port, close);
  await once(app, "request");
  app.emit("release");
  expect(parseRaw(await again).status).toBe(200);
  first.destroy();
});

test("both address families are served", async () => {
  const { port } = await bench();
  for (const host of ["127.0.0.1", "::1"]) {
    expect((await fetchHead({ host, port })).statusCode).toBe(200);
  }
});
