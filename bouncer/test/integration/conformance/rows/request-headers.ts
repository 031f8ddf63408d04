/** The headers of a request (RFC 9112, 5; RFC 9110, 5), and Host. */
import { type Group, row } from "../row.ts";
import { passes, refused, rejected, type RequestMatch, send } from "../step.ts";

function refusedHead(lines: string, start = "GET / HTTP/1.1\r\nHost: a\r\n") {
  return [send(`${start}${lines}\r\n`), refused(400)];
}

function rejectedHead(lines: string, start = "GET / HTTP/1.1\r\nHost: a\r\n") {
  return [send(`${start}${lines}\r\n`), rejected(400)];
}

function header(lines: string, match: RequestMatch) {
  return passes(`GET /h HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, { target: "/h", ...match });
}

function host(value: string) {
  return passes(`GET /h HTTP/1.1\r\nHost: ${value}\r\n\r\n`, { has: [`Host: ${value}`] });
}

const line = "GET / HTTP/1.1\r\n";

export const requestHeaders: Group = {
  title: "Request headers",
  rows: [
    row(
      "order and case stay",
      "9110, 5.3",
      header("X-b: 1\r\nx-A: 2\r\nACCEPT: */*\r\nX-b: 3\r\n", {
        inOrder: ["X-b: 1", "x-A: 2", "ACCEPT: */*", "X-b: 3"],
      }),
    ),
    row(
      "white space around a value goes",
      "9112, 5.1",
      header("X-A: \t b c \t\r\n", { has: ["X-A: b c"] }),
    ),
    row("no white space behind the colon", "9112, 5.1", header("X-A:b\r\n", { has: ["X-A: b"] })),
    row("an empty value", "9110, 5.5", header("X-A:\r\n", { has: ["X-A: "] })),
    row("a tab in a value", "9110, 5.5", header("X-A: b\tc\r\n", { has: ["X-A: b\tc"] })),
    row(
      "bytes beyond ASCII in a value",
      "9110, 5.5",
      header("X-A: \xe9\xff\r\n", { has: ["X-A: \xe9\xff"] }),
    ),
    row(
      "all characters of names",
      "9110, 5.6.2",
      header("!#$%&'*+-.^`|~9: b\r\n", { has: ["!#$%&'*+-.^`|~9: b"] }),
    ),
    row("a name with an underscore", "9110, 5.1", header("X_A: b\r\n", { has: ["X_A: b"] })),
    row("a colon in a value", "9110, 5.5", header("X-A: b:c\r\n", { has: ["X-A: b:c"] })),
    row(
      "cookies stay apart",
      "6265, 5.4",
      header("Cookie: a=b\r\nCookie: c=d\r\n", { inOrder: ["Cookie: a=b", "Cookie: c=d"] }),
    ),
    row("white space before the colon", "9112, 5.1", ...rejectedHead("X-A : b\r\n")),
    row(
      "white space before the first header",
      "9112, 2.2",
      ...rejectedHead("Host: a\r\n", `${line} X-A: b\r\n`),
    ),
    row("a folded line", "9112, 5.2", ...rejectedHead("X-A: b\r\n c\r\n")),
    row("a folded line with a tab", "9112, 5.2", ...rejectedHead("X-A: b\r\n\tc\r\n")),
    row("a line without a colon", "9112, 5", ...rejectedHead("X-A\r\n")),
    row("a line without a name", "9112, 5", ...rejectedHead(": b\r\n")),
    row("a name with a bracket", "9110, 5.1", ...rejectedHead("X(A): b\r\n")),
    row("a name with a space", "9110, 5.1", ...rejectedHead("X A: b\r\n")),
    row("a name beyond ASCII", "9110, 5.1", ...rejectedHead("X\xe9: b\r\n")),
    row("NUL in a name", "9110, 5.1", ...rejectedHead("X\0A: b\r\n")),
    row("NUL in a value", "9110, 5.5", ...rejectedHead("X-A: b\0c\r\n")),
    row("a bare CR in a value", "9110, 5.5", ...rejectedHead("X-A: b\rc\r\n")),
    row("a bare LF in a value", "9110, 5.5", ...rejectedHead("X-A: b\nX-C: d\r\n")),
    row("a control character in a value", "9110, 5.5", ...rejectedHead("X-A: b\x01c\r\n")),
    row("DEL in a value", "9110, 5.5", ...rejectedHead("X-A: b\x7fc\r\n")),
    row("CR CR LF", "9112, 2.2", ...rejectedHead("X-A: b\r\r\n")),
    row(
      "a bare LF as the blank line",
      "9112, 2.2",
      send(`${line}Host: a\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`),
      rejected(400),
    ),
    row(
      "two Authorizations",
      "9110, 11.6.2",
      ...refusedHead("Authorization: a\r\nauthorization: b\r\n"),
    ),
    row(
      "two Content-Types",
      "9110, 8.3",
      ...refusedHead("Content-Type: a/b\r\nContent-Type: c/d\r\n"),
    ),
    row(
      "Connection that is no list of tokens",
      "9110, 7.6.1",
      ...refusedHead("Connection: a b\r\n"),
    ),
    row("Host with a port", "9110, 7.2", host("a.example:8080")),
    row("Host of IPv6", "9110, 7.2", host("[::1]:80")),
    row("Host of IPv4", "9110, 7.2", host("10.0.0.1")),
    row("no Host", "9112, 3.2", send(`${line}X-A: b\r\n\r\n`), refused(400)),
    row("no Host in HTTP/1.0", "9112, 3.2", send("GET / HTTP/1.0\r\n\r\n"), refused(400)),
    row("an empty Host", "9112, 3.2", ...refusedHead("Host:\r\n", line)),
    row("two Hosts", "9112, 3.2", ...refusedHead("Host: b\r\n")),
    row("the same Host twice", "9112, 3.2", ...refusedHead("Host: a\r\n")),
    row("a list of Hosts", "9112, 3.2", ...refusedHead("Host: a, b\r\n", line)),
    row("Host with a path", "9112, 3.2", ...refusedHead("Host: a/b\r\n", line)),
    row("Host with a user", "9112, 3.2", ...refusedHead("Host: a@b\r\n", line)),
    row("Host with a port that is no number", "9112, 3.2", ...refusedHead("Host: a:b\r\n", line)),
    row("Host with a space", "9112, 3.2", ...refusedHead("Host: a b\r\n", line)),
    row(
      "Host in absolute form counts, not Host, where they are the same but for case",
      "9112, 3.2.2",
      passes("GET http://a/ HTTP/1.1\r\nHost: A\r\n\r\n", { target: "/" }),
    ),
  ],
};
