/** What policies could want too much of: time, bytes, redirects, places to go. */
import { createServer as createTcpServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { deniedByDefault, parseReach, type ReachRule } from "../../../src/config/reach.ts";
import { parseConfig } from "../../../src/config.ts";
import type { GuardRules } from "../../../src/rego/network/guard.ts";
import { errorOf, openNetwork, send, startHttp, startRaw } from "./setting.ts";

const denied = "eval_http_send_denied_error";
const network = "eval_http_send_network_error";
const internal = "eval_http_send_internal_error";

function parseRules(env: Record<string, string>): GuardRules {
  const read = parseConfig(env);
  if (read.kind === "invalid") throw new Error(read.problems.join());
  return { allow: read.config.policyHttpAllow, deny: read.config.policyHttpDeny };
}

const asDefault = parseRules({});

test("the default is a value as any other", () => {
  expect(parseRules({ POLICY_HTTP_DENY: deniedByDefault.join(", ") })).toEqual(asDefault);
});

test.each([
  "http://169.254.169.254/latest/meta-data/",
  "http://169.254.170.2/v2/credentials",
  "http://[fd00:ec2::254]/latest/meta-data/",
  "http://[::ffff:169.254.169.254]/",
  "http://[::ffff:a9fe:a9fe]/",
  "http://[64:ff9b::169.254.169.254]/",
  "http://[2002:a9fe:a9fe::1]/",
  "http://100.100.100.200/latest/meta-data/",
  "http://168.63.129.16/machine",
  "http://192.0.0.192/latest/",
  "http://127.0.0.1:9090/v1/policy/refresh",
  "http://localhost:9090/",
  "http://LOCALHOST.:9090/",
  "http://[::1]:9090/",
  "http://[::]:9090/",
  "http://0.0.0.0:9090/",
  "http://[fe80::1%25lo]/",
  "https://127.0.0.1/",
])("%s is not connected to", async (url) => {
  await using open = openNetwork({ rules: asDefault, lookup: async () => ["127.0.0.1", "::1"] });
  const error = errorOf(await send(open, { method: "GET", url, raise_error: false }));
  expect(error.code).toBe(denied);
  expect(error.message).toContain("policies may not connect to");
  expect(await send(open, { method: "GET", url })).toBeUndefined();
});

test("a name counts as what it is when it is connected to, each time", async () => {
  await using server = await startHttp((_request, response) => {
    response.setHeader("connection", "close");
    response.end("there");
  });
  let asked = 0;
  const rules = { allow: null, deny: parseRules({ POLICY_HTTP_DENY: "127.0.0.2" }).deny };
  await using open = openNetwork({
    rules,
    // First a good address, then, for whoever would look again, a bad one.
    lookup: async () => {
      asked += 1;
      return [asked === 1 ? "127.0.0.1" : "127.0.0.2"];
    },
  });
  const url = `http://rebinding.example:${server.port}/`;
  const request = { method: "GET", url, raise_error: false };
  expect((await send(open, request))?.get("raw_body")).toBe("there");
  expect(asked).toBe(1);
  expect(errorOf(await send(open, request)).code).toBe(denied);
  expect(server.seen).toHaveLength(1);
});

test("of several addresses, those that are permitted are connected to", async () => {
  await using server = await startHttp((_request, response) => {
    response.end("there");
  });
  const rules = { allow: null, deny: parseRules({ POLICY_HTTP_DENY: "169.254.0.0/16" }).deny };
  await using open = openNetwork({
    rules,
    lookup: async () => ["169.254.169.254", "127.0.0.1"],
  });
  const url = `http://two.example:${server.port}/`;
  expect((await send(open, { method: "GET", url }))?.get("raw_body")).toBe("there");
});

test("redirects lead to no place that is denied", async () => {
  await using inner = await startHttp((_request, response) => {
    response.end("secret");
  });
  await using server = await startHttp((_request, response) => {
    response.writeHead(302, { location: `http://inner.example:${inner.port}/` }).end();
  });
  await using open = openNetwork({
    rules: { allow: null, deny: parseRules({ POLICY_HTTP_DENY: "127.0.0.9" }).deny },
    lookup: async () => ["127.0.0.9"],
  });
  const request = { method: "GET", url: server.origin, raise_error: false, enable_redirect: true };
  expect(errorOf(await send(open, request)).code).toBe(denied);
  expect(inner.seen).toEqual([]);
});

test.each<readonly [allow: string, url: string, isAllowed: boolean]>([
  ["api.example", "http://api.example:{}/", true],
  ["api.example", "http://API.Example.:{}/", true],
  ["api.example", "http://other.example:{}/", false],
  ["api.example", "http://x.api.example:{}/", false],
  ["api.example", "http://127.0.0.1:{}/", false],
  ["api.example:{}", "http://api.example:{}/", true],
  ["api.example:1", "http://api.example:{}/", false],
  ["*.example", "http://api.example:{}/", true],
  ["*.example", "http://a.b.example:{}/", true],
  ["*.example", "http://example:{}/", false],
  ["*.example", "http://badexample:{}/", false],
  ["127.0.0.0/8", "http://127.0.0.1:{}/", true],
  ["127.0.0.0/8", "http://any.example:{}/", true],
  ["127.0.0.1:{}", "http://any.example:{}/", true],
  ["127.0.0.1:1", "http://any.example:{}/", false],
  ["10.0.0.0/8, other.example", "http://any.example:{}/", false],
  ["10.0.0.0/8, any.example", "http://any.example:{}/", true],
])("with POLICY_HTTP_ALLOW=%s, %s: %s", async (allow, url, isAllowed) => {
  await using server = await startHttp((_request, response) => {
    response.end("there");
  });
  const fill = (text: string): string => text.replace("{}", String(server.port));
  const rules = parseRules({ POLICY_HTTP_ALLOW: fill(allow), POLICY_HTTP_DENY: "none" });
  await using open = openNetwork({ rules, lookup: async () => ["127.0.0.1"] });
  const answer = await send(open, { method: "GET", url: fill(url), raise_error: false });
  const outcome = answer?.get("raw_body") ?? errorOf(answer).code;
  expect(outcome).toBe(isAllowed ? "there" : denied);
});

test("what is denied is denied although it is allowed", async () => {
  const rules = parseRules({ POLICY_HTTP_ALLOW: "127.0.0.1,localhost" });
  await using open = openNetwork({ rules });
  const request = { method: "GET", url: "http://127.0.0.1:1/", raise_error: false };
  expect(errorOf(await send(open, request)).code).toBe(denied);
});

test.each<readonly [string, ReachRule | null]>([
  ["api.example", { kind: "host", name: "api.example", port: null }],
  ["API.example:443", { kind: "host", name: "api.example", port: 443 }],
  ["*.example:80", { kind: "domain", name: "example", port: 80 }],
  [
    "10.0.0.0/8",
    { kind: "block", cidr: { address: "10.0.0.0", prefix: 8, family: "ipv4" }, port: null },
  ],
  [
    "10.0.0.1:53",
    { kind: "block", cidr: { address: "10.0.0.1", prefix: 32, family: "ipv4" }, port: 53 },
  ],
  [
    "[fd00::/8]:443",
    { kind: "block", cidr: { address: "fd00::", prefix: 8, family: "ipv6" }, port: 443 },
  ],
  [
    "fd00::1",
    { kind: "block", cidr: { address: "fd00::1", prefix: 128, family: "ipv6" }, port: null },
  ],
  ["unix:/run/opa.sock", { kind: "socket", path: "/run/opa.sock" }],
  ["*", null],
  ["*.*.example", null],
  ["10.0.0", null],
  ["10.0.0.0/33", null],
  ["api.example:0", null],
  ["api.example:65536", null],
  ["https://api.example", null],
  ["api.example/path", null],
  ["unix:relative", null],
  ["", null],
])("the rule %j", (text, rule) => {
  expect(parseReach(text)).toEqual(rule);
});

test("Unix sockets are connected to when they are allowed by their path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bouncer-socket-"));
  const path = join(folder, "http.sock");
  const server = createServer((request, response) => {
    response.end(`${request.headers.host} ${request.url}`);
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  try {
    const url = `unix://localhost/end?socket=${encodeURIComponent(path)}&b=1&a=2`;
    const request = { method: "GET", url, raise_error: false };
    await using open = openNetwork({ rules: { allow: [{ kind: "socket", path }], deny: [] } });
    expect((await send(open, request))?.get("raw_body")).toBe("localhost /end?a=2&b=1");
    await using closed = openNetwork();
    expect(errorOf(await send(closed, request)).code).toBe(denied);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
});

test("a body that is larger than it may be is an error, zipped or not", async () => {
  const large = Buffer.alloc(5000, "x");
  await using server = await startHttp((request, response) => {
    const isZipped = request.url === "/zipped";
    response.writeHead(200, isZipped ? { "content-encoding": "gzip" } : {});
    response.end(
      isZipped ? gzipSync(large) : large.subarray(0, request.url === "/fits" ? 4999 : 5000),
    );
  });
  await using open = openNetwork({ maxBodyBytes: 4999 });
  const ask = (path: string) =>
    send(open, {
      method: "GET",
      url: server.origin + path,
      raise_error: false,
      max_retry_attempts: 3,
    });
  expect((await ask("/fits"))?.get("raw_body")).toHaveLength(4999);
  for (const path of ["/", "/zipped"]) {
    const error = errorOf(await ask(path));
    expect(error).toMatchObject({ code: internal });
    expect(error.message).toContain("larger than 4999 bytes");
  }
  expect(server.seen).toHaveLength(3);
});

test("ten redirects are followed, and no more", async () => {
  await using server = await startHttp((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end("home");
    else response.writeHead(302, { location: `/${left < 0 ? -1 : left - 1}` }).end();
  });
  await using open = openNetwork();
  const ask = (path: string) =>
    send(open, {
      method: "GET",
      url: server.origin + path,
      raise_error: false,
      enable_redirect: true,
    });
  expect((await ask("/10"))?.get("raw_body")).toBe("home");
  expect(errorOf(await ask("/11"))).toMatchObject({ code: network });
  expect(errorOf(await ask("/-1")).message).toContain("stopped after 10 redirects");
  expect(server.seen).toHaveLength(33);
});

test("failures are tried again as often as was asked for", async () => {
  let failures = 0;
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      failures += 1;
      if (failures < 3) socket.resetAndDestroy();
      else socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
  try {
    await using open = openNetwork();
    const request = { method: "POST", url, raw_body: "x", raise_error: false };
    expect(errorOf(await send(open, { ...request, max_retry_attempts: 0 })).code).toBe(network);
    failures = 0;
    expect(errorOf(await send(open, { ...request, max_retry_attempts: 1 })).code).toBe(network);
    failures = 0;
    expect((await send(open, { ...request, max_retry_attempts: 2 }))?.get("raw_body")).toBe("ok");
  } finally {
    server.close();
  }
});

test("a connection that the server has closed meanwhile costs no attempt", async () => {
  let sockets = 0;
  const server = createTcpServer((socket) => {
    sockets += 1;
    let requests = 0;
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests += 1;
      // The second request on a connection finds it dead, as when both sides act at once.
      if (requests > 1) socket.resetAndDestroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
  try {
    await using open = openNetwork();
    const get = { method: "GET", url, raise_error: false };
    expect((await send(open, get))?.get("raw_body")).toBe("ok");
    expect((await send(open, get))?.get("raw_body")).toBe("ok");
    expect(sockets).toBe(2);
    // It may have been received: only what can be done twice is done again unasked.
    expect(errorOf(await send(open, { ...get, method: "POST" })).code).toBe(network);
  } finally {
    server.close();
  }
});

test("when the decision's time is over, nothing is waited for, and the call is cut", async () => {
  const cut = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await using server = await startHttp((request) => {
    arrived.resolve();
    request.socket.once("close", () => {
      cut.resolve();
    });
  });
  await using open = openNetwork();
  const decision = new AbortController();
  const request = { method: "GET", url: server.origin, raise_error: false, timeout: 0 };
  const answer = send(open, request, { signal: decision.signal });
  await arrived.promise;
  decision.abort(new Error("too late"));
  expect(await answer).toBeUndefined();
  await cut.promise;
  expect(await send(open, request, { signal: decision.signal })).toBeUndefined();
  expect(server.seen).toHaveLength(1);
});

test("only so many calls are made at a time; the others wait", async () => {
  let [open, most] = [0, 0];
  await using server = await startHttp((_request, response) => {
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => {
      open -= 1;
      response.end("ok");
    });
  });
  await using calls = openNetwork({ maxCalls: 3 });
  const all = Array.from({ length: 20 }, (_, at) => ({
    method: "GET",
    url: `${server.origin}/${at}`,
  }));
  const answers = await Promise.all(all.map((request) => send(calls, request)));
  expect(answers.map((answer) => answer?.get("raw_body"))).toEqual(all.map(() => "ok"));
  expect(most).toBeLessThanOrEqual(3);
});

test("a header section without end is an error", async () => {
  await using server = await startRaw({
    "/": `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
  });
  await using open = openNetwork();
  const answer = await send(open, { method: "GET", url: `${server.origin}/`, raise_error: false });
  expect(errorOf(answer).code).toBe(network);
});
