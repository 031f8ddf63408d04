/** The first line of a request (RFC 9112, 3) and its target. */
import { type Group, row } from "../row.ts";
import { passes, refused, rejected, send } from "../step.ts";

const rest = " HTTP/1.1\r\nHost: a\r\n\r\n";

function target(text: string, to: string, host = "a") {
  return passes(`GET ${text} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, {
    method: "GET",
    target: to,
    version: "HTTP/1.1",
    has: [`Host: ${host}`],
  });
}

/** It is a request, but none that is served. */
function refusedLine(line: string) {
  return [send(`${line}\r\nHost: a\r\n\r\n`), refused(400)];
}

/** It is none. */
function rejectedLine(line: string) {
  return [send(`${line}\r\nHost: a\r\n\r\n`), rejected(400)];
}

export const requestLine: Group = {
  title: "Request line",
  rows: [
    row("origin form, with a query", "9112, 3.2.1", target("/a/b?c=d&e", "/a/b?c=d&e")),
    row(
      "a query with unusual characters",
      "3986, 3.4",
      target("/?a[]=%20'|^`{}", "/?a[]=%20'|^`{}"),
    ),
    row("absolute form becomes origin form", "9112, 3.2.2", target("http://a/b?c", "/b?c")),
    row("absolute form without a path", "9112, 3.2.2", target("http://a", "/")),
    row("absolute form with nothing but a query", "9112, 3.2.2", target("http://a?b", "/?b")),
    row("absolute form in upper case", "3986, 3.1", target("HTTP://A/b", "/b")),
    row(
      "absolute form of another host than Host",
      "9112, 3.2.2",
      ...refusedLine("GET http://b/ HTTP/1.1"),
    ),
    row("absolute form with https", "9110, 7.4", ...refusedLine("GET https://a/ HTTP/1.1")),
    row("absolute form with a user", "9110, 4.2.4", ...refusedLine("GET http://u@a/ HTTP/1.1")),
    row("absolute form of another scheme", "9112, 3.2.2", ...refusedLine("GET ftp://a/ HTTP/1.1")),
    row(
      "OPTIONS *",
      "9112, 3.2.4",
      passes("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", { method: "OPTIONS", target: "*" }),
    ),
    row("GET *", "9112, 3.2.4", ...refusedLine("GET * HTTP/1.1")),
    row("authority form without CONNECT", "9112, 3.2.3", ...refusedLine("GET a:80 HTTP/1.1")),
    row(
      "CONNECT is not served",
      "9110, 9.3.6",
      send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
      refused(400),
    ),
    row("a target without a slash", "9112, 3.2", ...refusedLine("GET a HTTP/1.1")),
    row("no target", "9112, 3", ...rejectedLine("GET  HTTP/1.1")),
    row("a fragment", "9112, 3.2.1", ...refusedLine("GET /a#b HTTP/1.1")),
    row("a backslash in the path", "3986, 3.3", ...refusedLine("GET /a\\b HTTP/1.1")),
    row("bytes beyond ASCII in the target", "3986, 2", ...rejectedLine("GET /\xe9 HTTP/1.1")),
    row("a control character in the target", "3986, 2", ...rejectedLine("GET /\x01 HTTP/1.1")),
    row("DEL in the target", "3986, 2", ...rejectedLine("GET /\x7f HTTP/1.1")),
    row("NUL in the target", "3986, 2", ...rejectedLine("GET /\0 HTTP/1.1")),
    row("an encoded slash", "3986, 2.2", ...refusedLine("GET /a%2fb HTTP/1.1")),
    row("an encoded NUL", "3986, 2.1", ...refusedLine("GET /a%00 HTTP/1.1")),
    row("an escape that is none", "3986, 2.1", ...refusedLine("GET /a%zz HTTP/1.1")),
    row("a dot segment", "3986, 6.2.2.3", ...refusedLine("GET /a/../b HTTP/1.1")),
    row("an encoded dot segment", "3986, 6.2.2.3", ...refusedLine("GET /a/%2e%2e/b HTTP/1.1")),
    row("an empty segment", "3986, 3.3", ...refusedLine("GET /a//b HTTP/1.1")),
    row("encoded unreserved characters are decoded", "3986, 6.2.2.2", target("/%7Ea%2D", "/~a-")),
    row("other escapes stay as they are", "3986, 6.2.2.1", target("/%c3%a9%20", "/%c3%a9%20")),
    row("the method differs in case", "9110, 9.1", ...refusedLine("get / HTTP/1.1")),
    row("a method that nobody knows", "9110, 9.1", ...refusedLine("BREW / HTTP/1.1")),
    row("a method that is no token", "9110, 9.1", ...rejectedLine("GE(T / HTTP/1.1")),
    ...["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "QUERY"].map((method) =>
      row(`method ${method}`, "9110, 9", passes(`${method} /m${rest}`, { method, target: "/m" })),
    ),
    row(
      "an empty line before the request",
      "9112, 2.2",
      passes(`\r\nGET /m${rest}`, { target: "/m" }),
    ),
    row("a space before the request", "9112, 2.2", ...rejectedLine(" GET / HTTP/1.1")),
    row("two spaces before the target", "9112, 3", ...rejectedLine("GET  / HTTP/1.1")),
    row("two spaces before the version", "9112, 3", ...rejectedLine("GET /  HTTP/1.1")),
    row("tabs in the place of spaces", "9112, 3", ...rejectedLine("GET\t/\tHTTP/1.1")),
    row("a space behind the version", "9112, 3", ...rejectedLine("GET / HTTP/1.1 ")),
    row("a space in the target", "9112, 3", ...rejectedLine("GET /a b HTTP/1.1")),
    row("the version in lower case", "9112, 2.3", ...rejectedLine("GET / http/1.1")),
    row("HTTP/1.2", "9112, 2.3", ...rejectedLine("GET / HTTP/1.2")),
    row("HTTP/2.0 without its preface", "9112, 2.3", ...rejectedLine("GET / HTTP/2.0")),
    row("HTTP/0.9, with a version", "9112, 2.3", ...rejectedLine("GET / HTTP/0.9")),
    row("HTTP/1.10", "9112, 2.3", ...rejectedLine("GET / HTTP/1.10")),
    row("HTTP/01.1", "9112, 2.3", ...rejectedLine("GET / HTTP/01.1")),
    row("another protocol", "9112, 2.3", ...rejectedLine("GET / ICY/1.1")),
    row("no version", "9112, 3", ...rejectedLine("GET /")),
    row(
      "lines that end in bare LF",
      "9112, 2.2",
      send("GET / HTTP/1.1\nHost: a\n\n"),
      rejected(400),
    ),
    row("a bare CR in the request line", "9112, 2.2", ...rejectedLine("GET / HTTP/1.1\rX")),
    row(
      "TLS on a plain port",
      "9112, 2.2",
      send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"),
      rejected(400),
    ),
  ],
};
