import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RejectReason } from "../http/message.ts";
import type { Malformed } from "./head-line.ts";
import { type ParsedRequest, type ParsedResponse, parseRequest, parseResponse } from "./head.ts";

const limits = { maxHeaders: 200 };

function readRequest(text: string): ParsedRequest | Malformed {
  const bytes = Buffer.from(text, "latin1");
  return parseRequest(bytes, 0, bytes.length, limits);
}

function readResponse(text: string, method = "GET"): ParsedResponse | Malformed {
  const bytes = Buffer.from(text, "latin1");
  return parseResponse(bytes, 0, bytes.length, { method });
}

const request = (lines: string): ParsedRequest | Malformed =>
  readRequest(`POST /a HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
const oldRequest = (lines: string): ParsedRequest | Malformed =>
  readRequest(`POST /a HTTP/1.0\r\n${lines}\r\n`);
const response = (lines: string, status = 200): ParsedResponse | Malformed =>
  readResponse(`HTTP/1.1 ${status} a\r\n${lines}\r\n`);

const bad = (detail: string, reason: RejectReason = "bad_request"): Malformed => ({
  kind: "malformed",
  reason,
  detail,
});
const ambiguous = (detail: string): Malformed => bad(detail, "ambiguous_request");

describe("request line (RFC 9112, 3)", () => {
  test.each([
    ["GET / HTTP/1.1", { method: "GET", target: "/", version: "1.1" }],
    ["M-SEARCH * HTTP/1.1", { method: "M-SEARCH", target: "*", version: "1.1" }],
    ['GET /a?b=c;%zz\\|{}^`" HTTP/1.0', { target: '/a?b=c;%zz\\|{}^`"', version: "1.0" }],
    ["GET http://a:80/b HTTP/1.1", { target: "http://a:80/b" }],
    ["GET HTTPS://[::1]?b HTTP/1.1", { target: "HTTPS://[::1]?b" }],
  ])("%s is read", (line, expected) => {
    expect(readRequest(`${line}\r\nHost: a\r\n\r\n`)).toMatchObject(expected);
  });

  const noMethod = bad("request line has no method");
  const version = bad("HTTP version is not 1.0 or 1.1");
  const form = bad("target is not a path");
  const characters = bad("target has invalid characters");
  test.each([
    ["nothing", "", noMethod],
    ["a space first", " GET / HTTP/1.1", noMethod],
    ["a tab behind the method", "GET\t/ HTTP/1.1", noMethod],
    ["a control character in the method", "G\0T / HTTP/1.1", noMethod],
    ["a byte beyond ASCII in the method", "G\xe9T / HTTP/1.1", noMethod],
    ["a method in lower case", "get / HTTP/1.1", bad("method is not one that is served")],
    ["a method of nobody", "BREW / HTTP/1.1", bad("method is not one that is served")],
    ["CONNECT", "CONNECT a:1 HTTP/1.1", bad("CONNECT is not served")],
    ["two spaces before the target", "GET  / HTTP/1.1", bad("request line has no target")],
    ["two spaces behind the target", "GET /  HTTP/1.1", version],
    ["a space in the target", "GET /a b HTTP/1.1", version],
    ["a tab in the target", "GET /a\tb HTTP/1.1", characters],
    ["a control character in the target", "GET /\x01 HTTP/1.1", characters],
    ["DEL in the target", "GET /\x7f HTTP/1.1", characters],
    ["a byte beyond ASCII in the target", "GET /\xe9 HTTP/1.1", characters],
    ["a CR in the target", "GET /\ra HTTP/1.1", characters],
    ["a target that is no path", "GET a HTTP/1.1", form],
    ["a target that is a query", "GET ?a HTTP/1.1", form],
    ["more than an asterisk", "OPTIONS *a HTTP/1.1", form],
    ["an authority", "GET a:80 HTTP/1.1", form],
    ["no authority in an absolute form", "GET http:/a HTTP/1.1", form],
    ["an empty authority", "GET http:///a HTTP/1.1", form],
    ["a user in the authority (RFC 9110, 4.2.4)", "GET http://a@b/ HTTP/1.1", form],
    ["a fragment at the authority", "GET http://a#b HTTP/1.1", form],
    ["another scheme", "GET ftp://a/ HTTP/1.1", form],
    ["HTTP/0.9", "GET /", version],
    ["HTTP/1.2", "GET / HTTP/1.2", version],
    ["HTTP/2.0", "GET / HTTP/2.0", version],
    ["HTTP/1.10", "GET / HTTP/1.10", version],
    ["a version in lower case", "GET / http/1.1", version],
    ["a space behind the version", "GET / HTTP/1.1 ", version],
    ["another protocol", "GET / RTSP/1.0", version],
    ["the preface of HTTP/2", "PRI * HTTP/2.0", bad("method is not one that is served")],
  ])("%s is refused", (_name, line, expected) => {
    expect(readRequest(`${line}\r\nHost: a\r\n\r\n`)).toEqual(expected);
  });
});

describe("header lines (RFC 9112, 5; RFC 9110, 5.5)", () => {
  test.each([
    ["no whitespace", "X-A:b", ["X-A", "b"]],
    ["much whitespace", "X-A: \t b \t ", ["X-A", "b"]],
    ["whitespace within", "X-A: b \t c", ["X-A", "b \t c"]],
    ["no value", "X-A:", ["X-A", ""]],
    ["a value of whitespace", "X-A: \t ", ["X-A", ""]],
    ["colons", "X-A::b:", ["X-A", ":b:"]],
    ["bytes beyond ASCII", "X-A: \x80\xa0\xff", ["X-A", "\x80\xa0\xff"]],
    ["all that a name may have", "!#$%&'*+-.^_`|~09AZaz: b", ["!#$%&'*+-.^_`|~09AZaz", "b"]],
    ["the same line twice", "x-a: b\r\nX-A: b", ["x-a", "b", "X-A", "b"]],
    ["a long name", `${"a".repeat(100)}: b`, ["a".repeat(100), "b"]],
  ])("%s: kept as it is", (_name, line, expected) => {
    expect(request(`${line}\r\n`)).toMatchObject({ rawHeaders: ["Host", "a", ...expected] });
  });

  const name = bad("a header name has an invalid character");
  const value = bad("a header value has an invalid character");
  const end = bad("a line does not end with CR LF");
  const folded = bad("a header is folded over lines");
  test.each([
    ["a folded line", "X-A: b\r\n c", folded],
    ["a line folded with a tab", "X-A: b\r\n\tc", folded],
    ["a fold of nothing", "X-A: b\r\n ", folded],
    ["whitespace before the colon", "X-A : b", bad("a header has whitespace before its colon")],
    ["a tab before the colon", "X-A\t: b", bad("a header has whitespace before its colon")],
    ["no name", ": b", bad("a header has no name")],
    ["no colon", "X-A", bad("a header line has no colon")],
    ["an invalid character in a name", "X(A): b", name],
    ["a byte beyond ASCII in a name", "X-\xe9: b", name],
    ["NUL in a name", "X\0: b", name],
    ["NUL in a value", "X-A: b\0", value],
    ["a control character in a value", "X-A: \x0bb", value],
    ["DEL in a value", "X-A: \x7f", value],
    ["a bare CR in a value", "X-A: b\rc", end],
    ["a bare LF in a value", "X-A: b\nX-B: c", end],
    ["two CR", "X-A: b\r", end],
  ])("%s is refused", (_name, line, expected) => {
    expect(request(`${line}\r\n`)).toEqual(expected);
  });

  test("a fold before the first header is refused", () => {
    expect(readRequest("GET / HTTP/1.1\r\n Host: a\r\n\r\n")).toEqual(folded);
  });

  test("as many headers as the limit, and one more", () => {
    const lines = "a: b\r\n".repeat(199);
    expect(request(lines)).toMatchObject({ kind: "request" });
    expect(request(`${lines}a: b\r\n`)).toEqual(bad("more than 200 headers", "headers_too_large"));
  });

  test.each([
    ["", "nothing"],
    ["GET / HTTP/1.1\r\nHost: a\r\n", "no empty line"],
    ["GET / HTTP/1.1\r\nHost: a\n\n", "line feeds"],
  ])("%j is no head: %s", (text) => {
    expect(readRequest(text)).toEqual(bad("header section has no end"));
  });
});

describe("framing of requests (RFC 9112, 6)", () => {
  test.each([
    ["neither header", "", 0],
    ["a length", "Content-Length: 5\r\n", 5],
    ["a length with zeros", "content-length: 005\r\n", 5],
    ["the greatest length", "Content-Length: 999999999999999\r\n", 999_999_999_999_999],
    ["chunked", "Transfer-Encoding: chunked\r\n", null],
    ["Chunked", "TRANSFER-ENCODING:\tChunked \r\n", null],
  ])("%s", (_name, lines, bodyLength) => {
    expect(request(lines)).toMatchObject({ bodyLength });
  });

  const number = ambiguous("Content-Length is not a number");
  const chunked = ambiguous("Transfer-Encoding is not chunked");
  const both = ambiguous("Transfer-Encoding and Content-Length are both there");
  test.each([
    ["no digits", "Content-Length:", number],
    ["a sign", "Content-Length: +5", number],
    ["a minus", "Content-Length: -0", number],
    ["a list", "Content-Length: 5, 5", number],
    ["hexadecimal", "Content-Length: 0x5", number],
    ["a fraction", "Content-Length: 5.0", number],
    ["an exponent", "Content-Length: 5e0", number],
    ["a no-break space", "Content-Length: \xa05", number],
    ["sixteen digits", "Content-Length: 0000000000000005", number],
    ["more than 64 bits", "Content-Length: 18446744073709551621", number],
    [
      "the same length twice",
      "Content-Length: 5\r\ncontent-length: 5",
      ambiguous("content-length is there more than once"),
    ],
    ["both", "Content-Length: 5\r\nTransfer-Encoding: chunked", both],
    ["both, the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 5", both],
    ["both, with a length of 0", "Transfer-Encoding: chunked\r\nContent-Length: 0", both],
    [
      "chunked in two lines",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
      ambiguous("transfer-encoding is there more than once"),
    ],
    ["nothing", "Transfer-Encoding:", chunked],
    ["gzip first", "Transfer-Encoding: gzip, chunked", chunked],
    ["chunked twice", "Transfer-Encoding: chunked, chunked", chunked],
    ["an empty member", "Transfer-Encoding: ,chunked", chunked],
    ["identity", "Transfer-Encoding: identity", chunked],
    ["a parameter", "Transfer-Encoding: chunked;q=1", chunked],
    ["quotes", 'Transfer-Encoding: "chunked"', chunked],
    ["a no-break space", "Transfer-Encoding: chunked\xa0", chunked],
    // It is "k" in lower case in Unicode only.
    ["a Kelvin sign's byte", "Transfer-Encoding: chun\u212aed", chunked],
  ])("%s is refused", (_name, lines, expected) => {
    expect(request(`${lines}\r\n`)).toEqual(expected);
  });

  test("an encoding in HTTP/1.0 is refused", () => {
    expect(oldRequest("Transfer-Encoding: chunked\r\n")).toEqual(
      ambiguous("Transfer-Encoding in HTTP/1.0"),
    );
  });
});

describe("what may be there once", () => {
  test.each(["Host", "Content-Type", "Authorization", "Expect"])("%s twice", (name) => {
    const value = name === "Expect" ? "100-continue" : "a";
    const lines = name === "Host" ? "hOST: a\r\n" : `${name}: ${value}\r\n${name}: ${value}\r\n`;
    expect(request(lines)).toEqual(ambiguous(`${name.toLowerCase()} is there more than once`));
  });

  test("no Host in HTTP/1.1 (RFC 9112, 3.2)", () => {
    expect(readRequest("GET / HTTP/1.1\r\nX: a\r\n\r\n")).toEqual(
      bad("Host is missing or not a host"),
    );
    expect(oldRequest("")).toMatchObject({ kind: "request" });
  });
});

describe("Expect (RFC 9110, 10.1.1)", () => {
  const length = "Content-Length: 5\r\n";
  test.each([
    ["with a body", request(`${length}Expect: 100-Continue\r\n`), true],
    [
      "with a chunked body",
      request("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"),
      true,
    ],
    ["without a body", request("Expect: 100-continue\r\n"), false],
    ["in HTTP/1.0", oldRequest(`${length}Expect: 100-continue\r\n`), false],
    ["not at all", request(length), false],
  ])("%s", (_name, parsed, expectsContinue) => {
    expect(parsed).toMatchObject({ expectsContinue });
  });

  test.each(["tea", "", "100-continue, tea", "100-continue;a", "100"])("%j is refused", (value) => {
    expect(request(`Expect: ${value}\r\n`)).toEqual(bad("Expect is not 100-continue"));
  });
});

describe("Connection (RFC 9112, 9.3; RFC 9110, 7.6.1 and 7.8)", () => {
  test.each([
    ["nothing", request(""), true],
    ["keep-alive", request("Connection: keep-alive\r\n"), true],
    ["Keep-Alive", request("Connection: Keep-Alive\r\n"), true],
    ["close", request("Connection: close\r\n"), false],
    ["CLOSE", request("connection: CLOSE\r\n"), false],
    ["close in a list", request("Connection: te ,\tclose ,, x\r\n"), false],
    ["close in another line", request("Connection: te\r\nConnection: close\r\n"), false],
    ["both", request("Connection: close, keep-alive\r\n"), false],
    ["what only looks like it", request("Connection: closed\r\n"), true],
    ["an empty list", request("Connection: ,\r\n"), true],
    ["nothing in HTTP/1.0", oldRequest(""), false],
    ["keep-alive in HTTP/1.0", oldRequest("Connection: x, Keep-Alive\r\n"), true],
    ["both in HTTP/1.0", oldRequest("Connection: keep-alive, close\r\n"), false],
    ["close for a proxy", request("Proxy-Connection: Close\r\n"), false],
    ["keep-alive for a proxy in HTTP/1.0", oldRequest("Proxy-Connection: keep-alive\r\n"), false],
  ])("%s", (_name, parsed, isKeptAlive) => {
    expect(parsed).toMatchObject({ isKeptAlive });
  });

  test.each(["close;", '"close"', "close keep-alive", "\xe9"])(
    "%j is no list of tokens",
    (value) => {
      expect(request(`Connection: ${value}\r\n`)).toEqual(
        bad("Connection is not a list of tokens"),
      );
    },
  );

  test.each([
    ["one", request("Connection: Upgrade\r\nUpgrade: websocket\r\n"), ["websocket"]],
    [
      "several",
      request("Connection: a, UPGRADE\r\nUpgrade: h2c, IRC/6.9\r\nUpgrade: b\r\n"),
      ["h2c", "IRC/6.9", "b"],
    ],
    ["one that Connection does not name", request("Upgrade: websocket\r\n"), []],
    ["none that is there", request("Connection: upgrade\r\n"), []],
    ["in HTTP/1.0", oldRequest("Connection: upgrade\r\nUpgrade: websocket\r\n"), []],
  ])("protocols to upgrade to: %s", (_name, parsed, upgrade) => {
    expect(parsed).toMatchObject({ upgrade });
  });

  test("an Upgrade that is no list of protocols is refused", () => {
    expect(request("Connection: upgrade\r\nUpgrade: a b\r\n")).toEqual(
      bad("Upgrade is not a list of protocols"),
    );
  });

  test("a list of a million spaces takes no more than one pass", () => {
    const spaces = " ".repeat(1_000_000);
    expect(request(`Connection: a${spaces}b,${spaces}close\r\n`)).toEqual(
      bad("Connection is not a list of tokens"),
    );
  });
});

describe("status line (RFC 9112, 4)", () => {
  test.each([
    ["HTTP/1.1 200 OK", { status: 200, reason: "OK", minor: 1 }],
    ["HTTP/1.0 404 Not  Found", { status: 404, reason: "Not  Found", minor: 0 }],
    ["HTTP/1.1 200 ", { reason: "" }],
    ["HTTP/1.1 200", { reason: "" }],
    ["HTTP/1.1 999 a\tb\xe9", { status: 999, reason: "a\tb\xe9" }],
  ])("%j is read", (line, expected) => {
    expect(readResponse(`${line}\r\n\r\n`)).toMatchObject(expected);
  });

  const version = bad("HTTP version is not 1.0 or 1.1");
  const status = bad("status is not a number from 100 to 999");
  const characters = bad("status line has an invalid character");
  test.each([
    ["", version],
    ["\r\nHTTP/1.1 200 OK", version],
    [" HTTP/1.1 200 OK", version],
    ["HTTP/1.2 200 OK", version],
    ["HTTP/2 200 OK", version],
    ["http/1.1 200 OK", version],
    ["ICY 200 OK", version],
    ["HTTP/1.1  200 OK", status],
    ["HTTP/1.1\t200 OK", status],
    ["HTTP/1.1 20 OK", status],
    ["HTTP/1.1 099 OK", status],
    ["HTTP/1.1 +20 OK", status],
    ["HTTP/1.1", status],
    ["HTTP/1.1 2000 OK", characters],
    ["HTTP/1.1 200OK", characters],
    ["HTTP/1.1 200\tOK", characters],
    ["HTTP/1.1 200 a\0", characters],
    ["HTTP/1.1 200 a\rb", characters],
    ["HTTP/1.1 200 a\nb", characters],
  ])("%j is refused", (line, expected) => {
    expect(readResponse(`${line}\r\n\r\n`)).toEqual(expected);
  });
});

describe("framing of responses (RFC 9112, 6.3)", () => {
  const length = "Content-Length: 5\r\n";
  const chunked = "Transfer-Encoding: chunked\r\n";
  test.each([
    ["a length", response(length), "length", 5, true],
    ["chunked", response(chunked), "chunked", null, true],
    ["neither", response(""), "close", null, false],
    [
      "neither, in spite of keep-alive",
      response("Connection: keep-alive\r\n"),
      "close",
      null,
      false,
    ],
    ["to HEAD", readResponse(`HTTP/1.1 200 a\r\n${length}\r\n`, "HEAD"), "none", 0, true],
    ["to HEAD, chunked", readResponse(`HTTP/1.1 200 a\r\n${chunked}\r\n`, "HEAD"), "none", 0, true],
    ["304", response(length, 304), "none", 0, true],
    ["204", response("", 204), "none", 0, true],
    ["204 with a length of 0", response("Content-Length: 0\r\n", 204), "none", 0, true],
    ["204 that announces a body", response(length, 204), "none", 0, false],
    ["204 that announces chunks", response(chunked, 204), "none", 0, false],
    ["100", response("", 100), "none", 0, true],
    ["103 with a length of 0", response("Content-Length: 0\r\n", 103), "none", 0, true],
    ["101", response("Connection: close\r\n", 101), "none", 0, false],
    ["a connection that ends", response(`${length}Connection: close\r\n`), "length", 5, false],
    [
      "one that ends for proxies",
      response(`${length}Proxy-Connection: close\r\n`),
      "length",
      5,
      false,
    ],
    ["one that says something else", response(`${length}Connection: a b\r\n`), "length", 5, false],
    ["HTTP/1.0", readResponse(`HTTP/1.0 200 a\r\n${length}\r\n`), "length", 5, false],
    [
      "HTTP/1.0 that goes on",
      readResponse(`HTTP/1.0 200 a\r\n${length}Connection: keep-alive\r\n\r\n`),
      "length",
      5,
      true,
    ],
  ])("%s", (_name, parsed, ...expected) => {
    const [framing, bodyLength, isKeptAlive] = expected;
    expect(parsed).toMatchObject({ framing, bodyLength, isKeptAlive });
  });

  test.each([
    ["two lengths", `${length}Content-Length: 6\r\n`, "content-length is there more than once"],
    ["a length twice", length + length, "content-length is there more than once"],
    ["a list of lengths", "Content-Length: 5, 5\r\n", "Content-Length is not a number"],
    ["both", length + chunked, "Transfer-Encoding and Content-Length are both there"],
    ["chunked twice", chunked + chunked, "transfer-encoding is there more than once"],
    ["gzip", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding is not chunked"],
    ["gzip first", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding is not chunked"],
    ["identity", "Transfer-Encoding: identity\r\n", "Transfer-Encoding is not chunked"],
  ])("%s is refused", (_name, lines, detail) => {
    expect(response(lines)).toEqual(ambiguous(detail));
    expect(readResponse(`HTTP/1.1 200 a\r\n${lines}\r\n`, "HEAD")).toEqual(ambiguous(detail));
  });

  test.each([
    ["a length", response(length, 100), ambiguous("an interim response has a body")],
    ["chunks", response(chunked, 103), ambiguous("an interim response has a body")],
    [
      "an end of the connection",
      response("Connection: close\r\n", 100),
      bad("an interim response ends the connection"),
    ],
    [
      "HTTP/1.0",
      readResponse("HTTP/1.0 100 a\r\n\r\n"),
      bad("an interim response ends the connection"),
    ],
  ])("an interim response with %s is refused", (_name, parsed, expected) => {
    expect(parsed).toEqual(expected);
  });
});

describe("headers of responses", () => {
  test.each([
    ["a fold", "X-A: b \r\n  c\r\n", ["X-A", "b  c"]],
    ["two folds", "X-A: b\r\n\tc\r\n d\r\nX-B: e\r\n", ["X-A", "b c d", "X-B", "e"]],
    ["a fold at once", "X-A:\r\n b \r\n", ["X-A", "b"]],
    ["no-break spaces stay", "X-A:\r\n \xa0b\xa0\r\n", ["X-A", "\xa0b\xa0"]],
  ])("%s becomes one line (RFC 9112, 5.2)", (_name, lines, rawHeaders) => {
    expect(response(lines)).toMatchObject({ rawHeaders });
  });

  test.each([
    ["a fold of nothing", "X-A: b\r\n \r\n", "a header is folded over lines"],
    ["a fold of nothing behind another", "X-A: b\r\n c\r\n\t\r\n", "a header is folded over lines"],
    ["a fold before all", " X-A: b\r\n", "a header is folded over lines"],
    ["a NUL in a fold", "X-A: b\r\n c\0\r\n", "a header value has an invalid character"],
    ["a bare CR in a fold", "X-A: b\r\n c\rd\r\n", "a line does not end with CR LF"],
  ])("%s is refused", (_name, lines, detail) => {
    expect(response(lines)).toEqual(bad(detail));
  });

  test.each([
    ["timeout=5", 5],
    ["timeout=5, max=100", 5],
    ["max=100,Timeout = 15", 15],
    ['timeout="7"', 7],
    ["max=100", null],
    ["xtimeout=5", null],
    ["timeout=", null],
    ["timeout=99999999999999999999", null],
  ])("Keep-Alive: %s", (value, keepAliveSeconds) => {
    expect(response(`Keep-Alive: ${value}\r\n`)).toMatchObject({ keepAliveSeconds });
  });

  test("the protocol that was switched to", () => {
    expect(response("Upgrade: websocket\r\nConnection: Upgrade\r\n", 101)).toMatchObject({
      upgrade: ["websocket"],
      isKeptAlive: true,
    });
  });

  test("more than a thousand are refused", () => {
    expect(response("a: b\r\n".repeat(1001))).toEqual(
      bad("more than 1000 headers", "headers_too_large"),
    );
  });
});

const anyByte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const near = fc.constantFrom(..."\r\n\0\t :,;=aZ09-_\x7f\x80\xa0\xff".split(""));
const noise = fc.string({ unit: fc.oneof(near, anyByte), maxLength: 40 });
const heads = [
  "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close, upgrade\r\nUpgrade: a\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n c\r\nKeep-Alive: timeout=5\r\n\r\n",
];

describe("whatever comes", () => {
  const changed = fc
    .tuple(fc.constantFrom(...heads), fc.nat(150), fc.nat(20), noise)
    .map(([head, at, gone, text]) => head.slice(0, at) + text + head.slice(at + gone));

  test("a head is read alike wherever it lies, and nothing around it is touched", () => {
    fc.assert(
      fc.property(changed, noise, noise, (text, before, behind) => {
        const around = Buffer.from(before + text + behind, "latin1");
        const [start, end] = [before.length, before.length + text.length];
        expect(parseRequest(around, start, end, limits)).toEqual(readRequest(text));
        expect(parseResponse(around, start, end, { method: "GET" })).toEqual(readResponse(text));
      }),
    );
  });

  test("no name or value has a character that it must not have", () => {
    fc.assert(
      fc.property(changed, (text) => {
        for (const parsed of [readRequest(text), readResponse(text)]) {
          if (parsed.kind === "malformed") continue;
          for (const [i, part] of parsed.rawHeaders.entries()) {
            expect(part).toMatch(i % 2 === 0 ? /^[!#$%&'*+.^_`|~\w-]+$/ : /^[\t -~\x80-\xff]*$/);
            expect(part).not.toMatch(/^[ \t]|[ \t]$/);
          }
        }
      }),
    );
  });
});

test("names that share a place in memory stay what they are", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `X-${i}-${i % 7}`);
  for (let i = 0; i < names.length; i += 100) {
    const some = names.slice(i, i + 100);
    const parsed = request(some.map((name) => `${name}: b\r\n`).join(""));
    expect(parsed).toMatchObject({
      rawHeaders: ["Host", "a", ...some.flatMap((name) => [name, "b"])],
    });
  }
  expect(request("Content-Length: 5\r\ncOnTeNt-LeNgTh: 5\r\n")).toMatchObject({
    kind: "malformed",
  });
});
