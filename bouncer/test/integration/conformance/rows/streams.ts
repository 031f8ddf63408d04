/** What flows: events, large bodies, back-pressure; and upgrades, after which it is no longer HTTP. */
import { type Group, heavy, row } from "../row.ts";
import {
  all,
  answers,
  appEnd,
  appReset,
  end,
  got,
  gotBody,
  gotEnd,
  gotHead,
  gotRaw,
  gotRest,
  isCut,
  okAnswer,
  open,
  passes,
  reply,
  reset,
  seen,
  seenEnd,
  seenRaw,
  send,
} from "../step.ts";
import { downloadStalls, payload, uploadStalls } from "../flow.ts";

const get = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
const ask = all(send(get), seen({ target: "/first" }));
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunkedPost = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const events =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const lastChunk = Buffer.from("0\r\n\r\n");

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}

function chunked(bytes: Buffer, size: number): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(chunk(bytes.subarray(at, at + size)));
  return Buffer.concat([...chunks, lastChunk]);
}

const big = payload(32 * 1024 * 1024);
const tiny = payload(20_000);
const odd = payload(1_000_003);

export const flow: Group = {
  title: "Streams and large bodies",
  rows: [
    row(
      "events go out as they come",
      "9112, 7.1",
      ask,
      reply(events),
      gotHead({ status: 200, has: ["Content-Type: text/event-stream"] }),
      reply("9\r\ndata: 1\n\n\r\n"),
      gotBody("data: 1\n\n"),
      reply("9\r\ndata: 2\n\n\r\n"),
      gotBody("data: 1\n\ndata: 2\n\n"),
      reply("0\r\n\r\n"),
      gotRest({ body: "data: 1\n\ndata: 2\n\n" }),
      open(),
    ),
    row(
      "a head goes out before its body comes",
      "9112, 7.1",
      ask,
      reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
      gotHead({ status: 200 }),
      reply("abc"),
      gotRest({ body: "abc" }),
      open(),
    ),
    row(
      "a part of a chunk goes out",
      "9112, 7.1",
      ask,
      reply(`${chunkedHead}6\r\nabc`),
      gotHead({ status: 200 }),
      gotBody("abc"),
      reply("def\r\n0\r\n\r\n"),
      gotRest({ body: "abcdef" }),
      open(),
    ),
    heavy(
      row(
        "an upload of 32 MB",
        "9112, 6.2",
        passes(
          Buffer.concat([
            Buffer.from(`POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${big.length}\r\n\r\n`),
            big,
          ]),
          { body: big },
        ),
      ),
    ),
    heavy(
      row(
        "an upload of 32 MB, chunked",
        "9112, 7.1",
        passes(Buffer.concat([Buffer.from(chunkedPost), chunked(big, 1_000_000)]), { body: big }),
      ),
    ),
    heavy(
      row(
        "an upload in one chunk of 32 MB",
        "9112, 7.1",
        passes(Buffer.concat([Buffer.from(chunkedPost), chunked(big, big.length)]), { body: big }),
      ),
    ),
    row(
      "an upload of 20000 chunks of one byte",
      "9112, 7.1",
      passes(Buffer.concat([Buffer.from(chunkedPost), chunked(tiny, 1)]), { body: tiny }),
    ),
    row(
      "an upload of odd chunks",
      "9112, 7.1",
      passes(Buffer.concat([Buffer.from(chunkedPost), chunked(odd, 65_537)]), { body: odd }),
    ),
    heavy(
      row(
        "a download of 32 MB",
        "9112, 6.2",
        answers(
          Buffer.concat([
            Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${big.length}\r\n\r\n`),
            big,
          ]),
          { status: 200, body: big },
        ),
      ),
    ),
    heavy(
      row(
        "a download of 32 MB, chunked",
        "9112, 7.1",
        answers(Buffer.concat([Buffer.from(chunkedHead), chunked(big, 1_000_000)]), {
          status: 200,
          body: big,
        }),
      ),
    ),
    row(
      "a download of 20000 chunks of one byte",
      "9112, 7.1",
      answers(Buffer.concat([Buffer.from(chunkedHead), chunked(tiny, 1)]), {
        status: 200,
        body: tiny,
      }),
    ),
    heavy(
      row(
        "a download of 32 MB to the end of the connection",
        "9112, 6.3",
        ask,
        reply(Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), big])),
        appEnd(),
        got({ status: 200, body: big }),
        open(),
      ),
    ),
    heavy(row("a client that does not read stops the application", "9112, 9.3", downloadStalls())),
    heavy(row("an application that does not read stops the client", "9112, 9.3", uploadStalls())),
  ],
};

const upgradeHead = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n";
const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n";
const switched = all(
  send(`${upgradeHead}\r\n`),
  seen({ target: "/socket", has: ["Upgrade: echo", "Connection: Upgrade"] }),
  reply(`${switching}\r\n`),
  got({ status: 101, has: ["Upgrade: echo", "Connection: Upgrade"] }),
);
const megabyte = payload(1024 * 1024);

export const upgrades: Group = {
  title: "Upgrades",
  rows: [
    row(
      "bytes both ways",
      "9110, 7.8",
      switched,
      send("ping"),
      seenRaw("ping"),
      reply("pong"),
      gotRaw("pong"),
    ),
    row(
      "a megabyte both ways",
      "9110, 7.8",
      switched,
      send(megabyte),
      seenRaw(megabyte),
      reply(megabyte),
      gotRaw(megabyte),
    ),
    row(
      "bytes behind the head of the request",
      "9110, 7.8",
      send(`${upgradeHead}\r\nearly`),
      seen({}),
      reply(`${switching}\r\n`),
      got({ status: 101 }),
      seenRaw("early"),
      reply("pong"),
      gotRaw("pong"),
    ),
    row(
      "bytes behind the head of the answer",
      "9110, 7.8",
      send(`${upgradeHead}\r\n`),
      seen({}),
      reply(`${switching}\r\nearly`),
      got({ status: 101 }),
      gotRaw("early"),
      send("ping"),
      seenRaw("ping"),
    ),
    row(
      "bytes that look like a request are none",
      "9110, 7.8",
      switched,
      send(get),
      seenRaw(get),
      reply(okAnswer),
      gotRaw(okAnswer),
    ),
    row(
      "the headers of 101",
      "9110, 7.8",
      send(`${upgradeHead}\r\n`),
      seen({}),
      reply(`${switching}X-A: 1\r\nSec-WebSocket-Accept: x\r\n\r\n`),
      got({ status: 101, has: ["X-A: 1", "Sec-WebSocket-Accept: x"] }),
    ),
    row(
      "the client ends its side, and the application still talks",
      "9112, 9.6",
      switched,
      send("ping"),
      end(),
      seenRaw("ping"),
      seenEnd(),
      reply("pong"),
      gotRaw("pong"),
      appEnd(),
      gotEnd(),
    ),
    row(
      "the application ends its side, and the client still talks",
      "9112, 9.6",
      switched,
      reply("pong"),
      appEnd(),
      gotRaw("pong"),
      gotEnd(),
      send("ping"),
      seenRaw("ping"),
      end(),
      seenEnd(),
    ),
    row("the client is cut off", "9112, 9.6", switched, reset(), isCut("application")),
    row("the application is cut off", "9112, 9.6", switched, appReset(), isCut("client")),
    row(
      "declined, and the connection goes on",
      "9110, 7.8",
      send(`${upgradeHead}\r\n`),
      seen({}),
      reply(okAnswer),
      got({ status: 200, body: "ok" }),
      open(),
    ),
    row(
      "declined, with a request right behind it",
      "9110, 7.8",
      send(`${upgradeHead}\r\n${get}`),
      seen({ target: "/socket" }),
      reply(okAnswer),
      got({ status: 200, body: "ok" }),
      seen({ target: "/first" }),
      reply(okAnswer),
      got({ status: 200, body: "ok" }),
      open(),
    ),
    row(
      "declined, with Upgrade in the answer",
      "9110, 15.5.22",
      send(`${upgradeHead}\r\n`),
      seen({}),
      reply(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno",
      ),
      got({ status: 426, body: "no" }),
      open(),
    ),
    row(
      "with a body: not upgraded, but forwarded",
      "9110, 7.8",
      send(
        `POST /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 3\r\n\r\nabc`,
      ),
      seen({ body: "abc", lacks: ["upgrade"] }),
      reply(okAnswer),
      got({ status: 200, body: "ok" }),
      open(),
    ),
    row(
      "103 before 101",
      "8297, 2",
      send(`${upgradeHead}\r\n`),
      seen({}),
      reply("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
      got({ status: 103 }),
      reply(`${switching}\r\n`),
      got({ status: 101 }),
      send("ping"),
      seenRaw("ping"),
    ),
    row(
      "a choice of protocols: not upgraded",
      "9110, 7.8",
      passes("GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo, h2c\r\n\r\n", {
        target: "/u",
        lacks: ["upgrade"],
      }),
    ),
    row(
      "TLS: not upgraded",
      "2817, 3.1",
      passes("GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n", {
        target: "/u",
        lacks: ["upgrade"],
      }),
    ),
  ],
};
