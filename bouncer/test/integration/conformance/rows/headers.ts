/** Headers for one hop only, and what a proxy says about itself and its client. */
import { type Group, row, rowWith } from "../row.ts";
import {
  all,
  answers,
  closed,
  got,
  okAnswer,
  passes,
  reply,
  type RequestMatch,
  seen,
  send,
} from "../step.ts";

function header(lines: string, match: RequestMatch) {
  return passes(`GET /h HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, { target: "/h", ...match });
}

function answerWith(lines: string, match: Parameters<typeof answers>[1]) {
  return answers(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${lines}\r\n`, { status: 200, ...match });
}

export const hopByHop: Group = {
  title: "Headers of one hop",
  rows: [
    row(
      "what Connection names",
      "9110, 7.6.1",
      header("Connection: X-A, x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n", {
        lacks: ["x-a", "x-b"],
        has: ["X-C: 3"],
      }),
    ),
    row(
      "what a second Connection names",
      "9110, 7.6.1",
      header("Connection: X-A\r\nConnection: X-B\r\nX-A: 1\r\nX-B: 2\r\n", {
        lacks: ["x-a", "x-b"],
      }),
    ),
    row(
      "Keep-Alive",
      "9110, 7.6.1",
      header("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", { lacks: ["keep-alive"] }),
    ),
    row(
      "Keep-Alive that Connection does not name",
      "9110, 7.6.1",
      header("Keep-Alive: timeout=5\r\n", { lacks: ["keep-alive"] }),
    ),
    row(
      "Proxy-Connection",
      "9112, C.2.2",
      header("Proxy-Connection: keep-alive\r\n", { lacks: ["proxy-connection"] }),
    ),
    row(
      "TE, of which trailers are what we pass on",
      "9110, 10.1.4",
      header("Connection: TE\r\nTE: gzip, trailers\r\n", {
        has: ["TE: trailers", "Connection: TE"],
      }),
    ),
    row(
      "TE without trailers",
      "9110, 10.1.4",
      header("Connection: TE\r\nTE: gzip;q=0.5\r\n", { lacks: ["te"] }),
    ),
    row(
      "Proxy-Authorization",
      "9110, 11.7.2",
      header("Proxy-Authorization: Basic eDp5\r\n", { lacks: ["proxy-authorization"] }),
    ),
    row(
      "Upgrade that Connection does not name",
      "9110, 7.8",
      header("Upgrade: echo\r\n", { lacks: ["upgrade"] }),
    ),
    row(
      "Upgrade to h2c is not passed on",
      "9113, 3.2",
      header(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        { lacks: ["upgrade", "http2-settings"] },
      ),
    ),
    row(
      "Connection cannot name Host",
      "9110, 7.6.1",
      header("Connection: Host\r\n", { has: ["Host: a"] }),
    ),
    row(
      "Connection cannot name Content-Length",
      "9110, 7.6.1",
      passes(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 3\r\n\r\nabc",
        { body: "abc" },
      ),
    ),
    row(
      "what the client says of its connection is not said of ours",
      "9110, 7.6.1",
      send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
      seen({}),
      reply(okAnswer),
      got({ status: 200, has: ["Connection: close"], body: "ok" }),
      closed(),
      send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n", "b"),
      seen({ target: "/b" }),
      reply(okAnswer),
      got({ status: 200 }, "b"),
    ),
    row(
      "of the answer: what Connection names",
      "9110, 7.6.1",
      answerWith("Connection: X-A\r\nX-A: 1\r\nX-B: 2\r\n", { lacks: ["x-a"], has: ["X-B: 2"] }),
    ),
    row(
      "of the answer: Keep-Alive",
      "9110, 7.6.1",
      answerWith("Connection: keep-alive\r\nKeep-Alive: timeout=50\r\n", { lacks: ["keep-alive"] }),
    ),
    row(
      "of the answer: Connection: close is for us alone",
      "9112, 9.6",
      answerWith("Connection: close\r\n", { body: "" }),
    ),
    row(
      "of the answer: Upgrade without 101",
      "9110, 7.8",
      answerWith("Connection: Upgrade\r\nUpgrade: h2c\r\n", { lacks: ["upgrade"] }),
    ),
    row(
      "of the answer: Proxy-Authenticate",
      "9110, 11.7.1",
      answerWith("Proxy-Authenticate: Basic\r\n", { lacks: ["proxy-authenticate"] }),
    ),
  ],
};

function trusted(name: string, section: string, lines: string, match: RequestMatch) {
  return rowWith("trusted", row(name, section, header(lines, match)));
}

const forged = all(
  header("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", {
    has: ["X-Forwarded-For: 127.0.0.1"],
  }),
);

export const forwarded: Group = {
  title: "Who is asking",
  rows: [
    row("Via is added", "9110, 7.6.3", header("", { has: ["Via: 1.1 bouncer"] })),
    row(
      "Via of HTTP/1.0",
      "9110, 7.6.3",
      send("GET /h HTTP/1.0\r\nHost: a\r\n\r\n"),
      seen({ has: ["Via: 1.0 bouncer"] }),
      reply(okAnswer),
      got({ status: 200, body: "ok" }),
    ),
    row(
      "Via of others stays",
      "9110, 7.6.3",
      header("Via: 1.0 fred, 1.1 p.example\r\n", {
        inOrder: ["Via: 1.0 fred, 1.1 p.example", "Via: 1.1 bouncer"],
      }),
    ),
    rowWith("anonymous", row("Via switched off", "9110, 7.6.3", header("", { lacks: ["via"] }))),
    rowWith(
      "anonymous",
      row(
        "Via of others stays where ours is switched off",
        "9110, 7.6.3",
        header("Via: 1.0 fred\r\n", { has: ["Via: 1.0 fred"] }),
      ),
    ),
    row(
      "Via of the answer stays",
      "9110, 7.6.3",
      answerWith("Via: 1.1 app\r\n", { has: ["Via: 1.1 app"] }),
    ),
    row(
      "X-Forwarded-For is the client's address",
      "7239, 5.2",
      header("", {
        has: ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: a"],
      }),
    ),
    row("X-Forwarded-For of anybody is not believed", "7239, 8.1", forged),
    row(
      "X-Forwarded-Proto and -Host of anybody are not believed",
      "7239, 8.1",
      header("X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n", {
        has: ["X-Forwarded-Proto: http", "X-Forwarded-Host: a"],
      }),
    ),
    row(
      "X-Forwarded-Port and others of anybody go",
      "7239, 8.1",
      header("X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\n", {
        lacks: ["x-forwarded-port", "x-forwarded-prefix"],
      }),
    ),
    row(
      "Forwarded of anybody goes",
      "7239, 8.1",
      header("Forwarded: for=1.2.3.4\r\n", { lacks: ["forwarded"] }),
    ),
    row(
      "X-Real-IP of anybody goes",
      "7239, 8.1",
      header("X-Real-IP: 1.2.3.4\r\n", { lacks: ["x-real-ip"] }),
    ),
    row(
      "X-Original-URL of anybody goes",
      "7239, 8.1",
      header("X-Original-URL: /admin\r\n", { lacks: ["x-original-url"] }),
    ),
    row(
      "X_Forwarded_For is X-Forwarded-For to CGI",
      "3875, 4.1.18",
      header("X_Forwarded_For: 1.2.3.4\r\n", { lacks: ["x_forwarded_for"] }),
    ),
    trusted(
      "a trusted proxy's X-Forwarded-For is kept and added to",
      "7239, 5.2",
      "X-Forwarded-For: 1.2.3.4\r\n",
      { has: ["X-Forwarded-For: 1.2.3.4, 127.0.0.1"] },
    ),
    trusted(
      "a trusted proxy's lines of X-Forwarded-For become one",
      "7239, 5.2",
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n",
      { has: ["X-Forwarded-For: 1.2.3.4, 5.6.7.8, 127.0.0.1"] },
    ),
    trusted(
      "a trusted proxy's X-Forwarded-Proto and -Host are kept",
      "7239, 5.4",
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n",
      { has: ["X-Forwarded-Proto: https", "X-Forwarded-Host: shop"] },
    ),
    trusted(
      "a trusted proxy's Forwarded is kept and added to",
      "7239, 4",
      "Forwarded: for=1.2.3.4\r\n",
      {
        has: ["Forwarded: for=1.2.3.4, for=127.0.0.1"],
      },
    ),
  ],
};

export const verdicts: Group = {
  title: "Refusals by the policy",
  rows: [
    rowWith(
      "denies",
      row(
        "the connection stays open",
        "9112, 9.3",
        send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        got({ status: 403, framing: "length" }),
        send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        got({ status: 403 }),
      ),
    ),
    rowWith(
      "denies",
      row(
        "HEAD is refused without a body",
        "9110, 9.3.2",
        send("HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        got({ status: 403, bodyless: true }),
        got({ status: 403 }),
      ),
    ),
    rowWith(
      "denies",
      row(
        "the body is read, and the next request is what follows it",
        "9112, 9.3",
        send(
          "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        got({ status: 403 }),
        got({ status: 403 }),
      ),
    ),
    rowWith(
      "denies",
      row(
        "the answer comes before the body",
        "9112, 7",
        send("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        got({ status: 403 }),
        send("3\r\nabc\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        got({ status: 403 }),
      ),
    ),
    rowWith(
      "denies",
      row(
        "pipelined requests are all answered",
        "9112, 9.3.2",
        send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20)),
        ...Array.from({ length: 20 }, () => got({ status: 403 })),
      ),
    ),
    rowWith(
      "denies",
      row(
        "an upgrade is refused like any request",
        "9110, 7.8",
        send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"),
        got({ status: 403 }),
      ),
    ),
  ],
};
