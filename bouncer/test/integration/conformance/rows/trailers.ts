/** Trailers (RFC 9110, 6.5; RFC 9112, 7.1.2), both ways. */
import { type Group, row } from "../row.ts";
import {
  appEnd,
  broken,
  got,
  gotBody,
  gotCut,
  gotHead,
  okAnswer,
  open,
  passes,
  reply,
  seen,
  seenHead,
  seenRest,
  send,
} from "../step.ts";

const post = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
const chunk = "\r\n3\r\nabc\r\n0\r\n";
const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
const ask = [send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"), seen({ target: "/first" })];

const begin = [
  ...ask,
  reply(`${answer}\r\n3\r\nabc\r\n`),
  gotHead({ status: 200 }),
  gotBody("abc"),
];

export const trailers: Group = {
  title: "Trailers",
  rows: [
    row(
      "of a request",
      "9112, 7.1.2",
      passes(`${post}Trailer: X-T\r\n${chunk}X-T: 1\r\nX-U: 2\r\n\r\n`, {
        body: "abc",
        trailers: ["X-T: 1", "X-U: 2"],
      }),
    ),
    row(
      "of a request, not announced",
      "9110, 6.6.2",
      passes(`${post}${chunk}X-T: 1\r\n\r\n`, { body: "abc", trailers: ["X-T: 1"] }),
    ),
    row(
      "of a request, when the body has gone ahead",
      "9112, 7.1.2",
      send(`${post}\r\n`),
      seenHead({}),
      send("3\r\nabc\r\n"),
      send("0\r\nX-T: 1\r\n"),
      send("\r\n"),
      seenRest({ body: "abc", trailers: ["X-T: 1"] }),
      reply(okAnswer),
      got({ status: 200 }),
      open(),
    ),
    ...["Content-Length: 9", "Transfer-Encoding: gzip", "Connection: close"].map((line) =>
      row(
        `of a request, that belongs into the head: ${line}`,
        "9110, 6.5.1",
        send(`${post}${chunk}${line}\r\nX-T: 1\r\n\r\n`),
        broken(),
      ),
    ),
    row(
      "of a request, that would be Host",
      "9110, 6.5.1",
      passes(`${post}${chunk}Host: b\r\nX-T: 1\r\n\r\n`, { body: "abc", trailers: ["X-T: 1"] }),
    ),
    row(
      "of a request, that would say who is asking",
      "9110, 6.5.1",
      passes(`${post}${chunk}X-Forwarded-For: 1.2.3.4\r\nX-Bouncer-Reason: a\r\nX-T: 1\r\n\r\n`, {
        body: "abc",
        trailers: ["X-T: 1"],
      }),
    ),
    row("of a request, malformed", "9112, 7.1.2", send(`${post}${chunk}X T: 1\r\n\r\n`), broken()),
    row("of a request, folded", "9112, 5.2", send(`${post}${chunk}X-T: 1\r\n 2\r\n\r\n`), broken()),
    row("of a request, with a bare LF", "9112, 2.2", send(`${post}${chunk}X-T: 1\n\r\n`), broken()),
    row(
      "of a request, beyond all limits",
      "6585, 5",
      send(`${post}${chunk}X-T: ${"a".repeat(200_000)}\r\n\r\n`),
      broken(),
    ),
    row(
      "of an answer",
      "9112, 7.1.2",
      ...ask,
      reply(`${answer}Trailer: X-T\r\n${chunk}X-T: 1\r\nX-U: 2\r\n\r\n`),
      got({ status: 200, body: "abc", has: ["Trailer: X-T"], trailers: ["X-T: 1", "X-U: 2"] }),
      open(),
    ),
    row(
      "of an answer, to a client that takes trailers",
      "9110, 6.5.1",
      send("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n"),
      seen({}),
      reply(`${answer}${chunk}X-T: 1\r\n\r\n`),
      got({ status: 200, body: "abc", trailers: ["X-T: 1"] }),
      open(),
    ),
    ...["Content-Length: 9", "Connection: close"].map((line) =>
      row(
        `of an answer, that belongs into the head: ${line}`,
        "9110, 6.5.1",
        ...begin,
        reply(`0\r\n${line}\r\nX-T: 1\r\n\r\n`),
        gotCut(),
      ),
    ),
    row(
      "of an answer, without a body",
      "9112, 7.1.2",
      ...ask,
      reply(`${answer}\r\n0\r\nX-T: 1\r\n\r\n`),
      got({ status: 200, body: "", trailers: ["X-T: 1"] }),
      open(),
    ),
    row(
      "of an answer, to HTTP/1.0, which has none",
      "9112, 6.1",
      send("GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
      seen({}),
      reply(`${answer}${chunk}X-T: 1\r\n\r\n`),
      got({ status: 200, body: "abc", framing: "close" }),
    ),
    row("of an answer, malformed", "9112, 7.1.2", ...begin, reply("0\r\nX T: 1\r\n\r\n"), gotCut()),
    row(
      "of an answer, cut off",
      "9112, 8",
      ...ask,
      reply(`${answer}${chunk}X-T: 1\r\n`),
      appEnd(),
      gotHead({ status: 200 }),
      gotCut(),
    ),
  ],
};
