import { afterEach, beforeEach, expect, test } from "vitest";
import { type Bench, createBench, dial, parseRaw, readAll, sendRaw } from "./harness.ts";

let bench: Bench;
let decided = 0;

beforeEach(async () => {
  decided = 0;
  bench = await createBench({
    decide: () => {
      decided += 1;
      throw new Error("the policy was asked about a request that has two meanings");
    },
    limits: { maxHeaderBytes: 16_384, headTimeoutMs: 100, idleTimeoutMs: 1000 },
  });
});

afterEach(() => bench.close());

const host = "Host: a\r\n";
const body = "\r\n0\r\n\r\n";

test.each([
  [
    "TE and CL",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n${body}`,
  ],
  [
    "CL and TE, the other way round",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n${body}`,
  ],
  [
    "two lengths",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  ],
  [
    "the same length twice",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
  ],
  [
    "a list of lengths",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: 3, 3\r\n\r\nabc`,
  ],
  [
    "a signed length",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: +3\r\n\r\nabc`,
  ],
  [
    "an endless length",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\nabc`,
  ],
  [
    "gzip before chunked",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n${body}`,
  ],
  [
    "chunked twice",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n${body}`,
  ],
  [
    "an encoding that looks like chunked",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n${body}`,
  ],
  [
    "identity",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n${body}`,
  ],
  [
    "an encoding in HTTP/1.0",
    400,
    "ambiguous_request",
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n${body}`,
  ],
  [
    "an encoding behind a line fold",
    400,
    "bad_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding:\r\n chunked\r\n${body}`,
  ],
  [
    "an encoding in a name with a space",
    400,
    "bad_request",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n${body}`,
  ],
  ["a folded header", 400, "bad_request", `GET / HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`],
  ["bare line feeds", 400, "bad_request", `GET / HTTP/1.1\n${host}\n`],
  [
    "a bare line feed between headers",
    400,
    "bad_request",
    `GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n`,
  ],
  ["a NUL in a value", 400, "bad_request", `GET / HTTP/1.1\r\n${host}X-A: b\0c\r\n\r\n`],
  [
    "a carriage return in a value",
    400,
    "bad_request",
    `GET / HTTP/1.1\r\n${host}X-A: b\rc\r\n\r\n`,
  ],
  ["a header without a name", 400, "bad_request", `GET / HTTP/1.1\r\n${host}: b\r\n\r\n`],
  ["no Host", 400, "bad_request", "GET / HTTP/1.1\r\n\r\n"],
  ["an empty Host", 400, "bad_request", "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
  ["two Hosts", 400, "ambiguous_request", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
  ["a list of Hosts", 400, "bad_request", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"],
  ["a Host with a path", 400, "bad_request", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
  ["a Host with a user", 400, "bad_request", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"],
  [
    "two Authorizations",
    400,
    "ambiguous_request",
    `GET / HTTP/1.1\r\n${host}Authorization: a\r\nauthorization: b\r\n\r\n`,
  ],
  [
    "two Content-Types",
    400,
    "ambiguous_request",
    `POST / HTTP/1.1\r\n${host}Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n`,
  ],
  ["CONNECT", 400, "bad_request", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"],
  ["GET *", 400, "bad_request", `GET * HTTP/1.1\r\n${host}\r\n`],
  ["a target of another host", 400, "ambiguous_request", `GET http://b/ HTTP/1.1\r\n${host}\r\n`],
  ["an https target", 400, "bad_request", `GET https://a/ HTTP/1.1\r\n${host}\r\n`],
  ["a target with a fragment", 400, "bad_request", `GET /a#b HTTP/1.1\r\n${host}\r\n`],
  ["a target that is not ASCII", 400, "bad_request", `GET /\xe9 HTTP/1.1\r\n${host}\r\n`],
  ["a backslash in the path", 400, "ambiguous_request", `GET /a\\b HTTP/1.1\r\n${host}\r\n`],
  ["an encoded slash", 400, "ambiguous_request", `GET /a%2Fb HTTP/1.1\r\n${host}\r\n`],
  ["an encoded backslash", 400, "ambiguous_request", `GET /a%5cb HTTP/1.1\r\n${host}\r\n`],
  ["an encoded NUL", 400, "ambiguous_request", `GET /a%00 HTTP/1.1\r\n${host}\r\n`],
  ["a dot segment", 400, "ambiguous_request", `GET /a/../b HTTP/1.1\r\n${host}\r\n`],
  ["an encoded dot segment", 400, "ambiguous_request", `GET /a/%2e%2E/b HTTP/1.1\r\n${host}\r\n`],
  [
    "a dot segment with a parameter",
    400,
    "ambiguous_request",
    `GET /a/..;x=1/b HTTP/1.1\r\n${host}\r\n`,
  ],
  [
    "a dot segment with an encoded parameter",
    400,
    "ambiguous_request",
    `GET /a/..%3bx/b HTTP/1.1\r\n${host}\r\n`,
  ],
  ["a path of two slashes", 400, "ambiguous_request", `GET //a HTTP/1.1\r\n${host}\r\n`],
  ["an empty segment", 400, "ambiguous_request", `GET /a//b HTTP/1.1\r\n${host}\r\n`],
  ["an escape that is none", 400, "ambiguous_request", `GET /a%zz HTTP/1.1\r\n${host}\r\n`],
  ["an overlong slash", 400, "ambiguous_request", `GET /a%c0%afb HTTP/1.1\r\n${host}\r\n`],
  ["an unknown version", 400, "bad_request", `GET / HTTP/1.2\r\n${host}\r\n`],
  ["HTTP/0.9", 400, "bad_request", "GET /\r\n\r\n"],
  ["nearly the preface of HTTP/2", 400, "bad_request", "PRI * HTTP/2.0\r\n\r\nS\r\n\r\n"],
  ["an unknown method", 400, "bad_request", `BREW / HTTP/1.1\r\n${host}\r\n`],
  ["an unknown expectation", 400, "bad_request", `GET / HTTP/1.1\r\n${host}Expect: tea\r\n\r\n`],
  ["TLS on a plain port", 400, "bad_request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  [
    "too many headers",
    431,
    "headers_too_large",
    `GET / HTTP/1.1\r\n${host}${"X: y\r\n".repeat(200)}\r\n`,
  ],
  [
    "too large a header",
    431,
    "headers_too_large",
    `GET / HTTP/1.1\r\n${host}X: ${"y".repeat(20_000)}\r\n\r\n`,
  ],
  ["a head that stops coming", 408, "request_timeout", `GET / HTTP/1.1\r\n${host}X:`],
])("%s: refused with %i %s, and nobody is asked", async (_name, status, reason, bytes) => {
  const socket = await dial(bench.port);
  // The first bytes may be all that is answered; what follows them must not be, and is not.
  socket.write(Buffer.from(bytes, "latin1"));
  const closing = `\r\nGET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  const report = await bench.reports.next();
  if (socket.writable) socket.write(closing);
  const answer = parseRaw(await readAll(socket));
  socket.destroy();
  expect(answer.status).toBe(status);
  expect(answer.headers).toContain(`X-Bouncer-Reason: ${reason}`);
  expect(answer.headers).toContain(`X-Bouncer-Decision-Id: ${report.id}`);
  expect(report).toMatchObject({ status, reason, decision: null });
  expect(bench.seen).toHaveLength(0);
});

test("a connection on which nothing was ever sent is closed without a word", async () => {
  const socket = await dial(bench.port);
  expect(await readAll(socket)).toBe("");
  expect(bench.reports.all).toHaveLength(0);
});

test("a body that breaks off the grammar takes its request down", async () => {
  const open = await createBench({
    app: (request, response) => {
      request.on("end", () => response.end("complete"));
      request.resume();
    },
  });
  const answer = await sendRaw(
    open.port,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`,
  );
  expect(answer).not.toContain("complete");
  expect(await open.reports.next()).toMatchObject({ aborted: "client", status: null });
  await open.close();
});

test("what was smuggled behind a request is a request, and is decided on", async () => {
  const paths: string[] = [];
  const open = await createBench({
    decide: (head) => {
      paths.push(head.target);
      return { kind: "deny", status: 403, headers: [], body: null, reason: "policy", detail: null };
    },
  });
  await sendRaw(
    open.port,
    `POST /1 HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  );
  expect(paths).toEqual(["/1", "/2"]);
  await open.close();
});
