/** Where the body of an answer ends, and what is no answer (RFC 9112, 4 to 8). */
import { type Group, type Row, row } from "../row.ts";
import {
  all,
  answers,
  appClosed,
  appEnd,
  appReset,
  connections,
  exchange,
  got,
  gotBody,
  gotCut,
  gotFailure,
  gotHead,
  gotRest,
  open,
  reply,
  seen,
  send,
  type Step,
} from "../step.ts";

const get = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
const ask = all(send(get), seen({ target: "/first" }));
const askHead = all(send("HEAD /first HTTP/1.1\r\nHost: a\r\n\r\n"), seen({ method: "HEAD" }));
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** What the application says is no answer: the client gets 502, and may ask again. */
function bad(name: string, section: string, bytes: string): Row {
  return row(name, section, ask, reply(bytes), got({ status: 502 }), open());
}

/** The body is against the grammar or ends too soon: the client must see that. */
function cut(name: string, section: string, bytes: string, ...then: readonly Step[]): Row {
  return row(name, section, ask, reply(bytes), ...then, gotHead({ status: 200 }), gotCut());
}

/** Behind a chunk that is as it should be. */
function badChunk(name: string, text: string): Row {
  return row(
    name,
    "9112, 7.1",
    ask,
    reply(`${chunkedHead}3\r\nabc\r\n`),
    gotHead({ status: 200 }),
    gotBody("abc"),
    reply(text),
    gotCut(),
  );
}

function good(
  name: string,
  section: string,
  bytes: string,
  match: Parameters<typeof answers>[1],
): Row {
  return row(name, section, answers(bytes, match));
}

export const responseFraming: Group = {
  title: "Response framing",
  rows: [
    good("a length", "9112, 6.2", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", {
      status: 200,
      body: "abc",
      framing: "length",
    }),
    good("length 0", "9112, 6.2", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {
      status: 200,
      body: "",
      framing: "length",
    }),
    good("chunked", "9112, 7.1", `${chunkedHead}1\r\na\r\n2\r\nbc\r\n0\r\n\r\n`, {
      status: 200,
      body: "abc",
      framing: "chunked",
    }),
    good("chunked, without a chunk", "9112, 7.1", `${chunkedHead}0\r\n\r\n`, {
      status: 200,
      body: "",
    }),
    good(
      "chunk extensions are dropped",
      "9112, 7.1.1",
      `${chunkedHead}3;a=b\r\nabc\r\n0;c\r\n\r\n`,
      { status: 200, body: "abc" },
    ),
    good(
      "sizes in upper case, with zeros",
      "9112, 7.1",
      `${chunkedHead}000A\r\n0123456789\r\n00\r\n\r\n`,
      { status: 200, body: "0123456789" },
    ),
    row(
      "until the connection closes",
      "9112, 6.3",
      ask,
      reply("HTTP/1.1 200 OK\r\n\r\nabc"),
      appEnd(),
      got({ status: 200, body: "abc" }),
      open(),
    ),
    row(
      "until the connection closes, of HTTP/1.0",
      "9112, 6.3",
      ask,
      reply("HTTP/1.0 200 OK\r\n\r\nabc"),
      appEnd(),
      got({ status: 200, version: "HTTP/1.1", body: "abc" }),
      open(),
    ),
    row(
      "until the connection closes, in pieces",
      "9112, 6.3",
      ask,
      reply("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
      gotHead({ status: 200 }),
      reply("ab"),
      gotBody("ab"),
      reply("c"),
      gotBody("abc"),
      appEnd(),
      gotRest({ body: "abc" }),
      open(),
    ),
    good("204", "9110, 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n", {
      status: 204,
      body: "",
      lacks: ["content-length", "transfer-encoding"],
    }),
    good(
      "304 with the length of what was not sent",
      "9110, 15.4.5",
      'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n',
      { status: 304, body: "", has: ['ETag: "a"', "Content-Length: 5"] },
    ),
    good("304 without", "9110, 15.4.5", 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', {
      status: 304,
      body: "",
      lacks: ["transfer-encoding"],
    }),
    good("205", "9110, 15.3.6", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", {
      status: 205,
      body: "",
    }),
    row(
      "HEAD, with the length of what was not sent",
      "9110, 9.3.2",
      askHead,
      reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
      got({ status: 200, bodyless: true, has: ["Content-Length: 5"] }),
      open(),
    ),
    row(
      "HEAD, with chunked that was not sent",
      "9110, 9.3.2",
      askHead,
      reply(chunkedHead),
      got({ status: 200, bodyless: true, lacks: ["content-length"] }),
      open(),
    ),
    row(
      "HEAD, with neither",
      "9110, 9.3.2",
      askHead,
      reply("HTTP/1.1 200 OK\r\n\r\n"),
      got({ status: 200, bodyless: true, lacks: ["content-length"] }),
      open(),
    ),
    row(
      "HEAD that is answered with a body",
      "9110, 9.3.2",
      askHead,
      reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"),
      got({ status: 200, bodyless: true }),
      exchange("/second"),
      connections(2),
    ),
    row(
      "HEAD that is not found",
      "9110, 9.3.2",
      askHead,
      reply("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"),
      got({ status: 404, bodyless: true }),
      open(),
    ),
    row(
      "204 with a body",
      "9110, 15.3.5",
      ask,
      reply("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde"),
      got({ status: 204 }),
      exchange("/second"),
      connections(2),
    ),
    row(
      "304 with a body",
      "9110, 15.4.5",
      ask,
      reply("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nabcde"),
      got({ status: 304 }),
      exchange("/second"),
      connections(2),
    ),
    row(
      "204 that says chunked",
      "9112, 6.1",
      ask,
      reply("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      got({ status: 204, lacks: ["transfer-encoding"] }),
      exchange("/second"),
      connections(2),
    ),
    good(
      "the reason phrase stays",
      "9112, 4",
      "HTTP/1.1 200 All is well\r\nContent-Length: 0\r\n\r\n",
      { reason: "All is well" },
    ),
    good("an empty reason phrase", "9112, 4", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", {
      status: 200,
      reason: "",
    }),
    good("no space behind the status", "9112, 4", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", {
      status: 200,
    }),
    good("a status that nobody knows", "9110, 15", "HTTP/1.1 299 Hm\r\nContent-Length: 0\r\n\r\n", {
      status: 299,
    }),
    good("status 599", "9110, 15", "HTTP/1.1 599 Hm\r\nContent-Length: 0\r\n\r\n", { status: 599 }),
    good(
      "headers in their order and case",
      "9110, 5.3",
      "HTTP/1.1 200 OK\r\nX-b: 1\r\nset-cookie: a\r\nX-A: 2\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
      { inOrder: ["X-b: 1", "set-cookie: a", "X-A: 2", "Set-Cookie: b"] },
    ),
    good(
      "bytes beyond ASCII in a value",
      "9110, 5.5",
      "HTTP/1.1 200 OK\r\nX-A: \xe9\xff\r\nContent-Length: 0\r\n\r\n",
      { has: ["X-A: \xe9\xff"] },
    ),
    good(
      "Server and Date are the application's",
      "9110, 10.2.4",
      "HTTP/1.1 200 OK\r\nServer: mine\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
      { has: ["Server: mine", "Date: Sun, 06 Nov 1994 08:49:37 GMT"] },
    ),
    good(
      "a folded header becomes one line",
      "9112, 5.2",
      "HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nContent-Length: 0\r\n\r\n",
      { has: ["X-A: b c"] },
    ),
    bad(
      "white space before the colon of a header",
      "9112, 5.1",
      "HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
    ),
    bad(
      "both length and chunked",
      "9112, 6.1",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    bad(
      "two lengths",
      "9112, 6.3",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    ),
    bad(
      "the same length twice",
      "9112, 6.3",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    ),
    bad(
      "a length that is no number",
      "9112, 6.3",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
    ),
    bad("a negative length", "9112, 6.3", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"),
    bad(
      "an encoding that is not known",
      "9112, 6.1",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\nabc",
    ),
    bad(
      "gzip before chunked",
      "9112, 6.1",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    bad(
      "an encoding in HTTP/1.0",
      "9112, 6.1",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    bad("no HTTP", "9112, 4", "hello\r\n\r\n"),
    bad("HTTP/2.0", "9112, 4", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    bad("a status of two digits", "9112, 4", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    bad("a status of four digits", "9112, 4", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    bad("a status that is no number", "9112, 4", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
    bad("bare LFs", "9112, 2.2", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    bad("NUL in a value", "9110, 5.5", "HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n"),
    bad(
      "a bare CR in a value",
      "9110, 5.5",
      "HTTP/1.1 200 OK\r\nX-A: b\rc\r\nContent-Length: 0\r\n\r\n",
    ),
    bad("a line without a colon", "9112, 5", "HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 0\r\n\r\n"),
    bad(
      "a head beyond all limits",
      "6585, 5",
      `HTTP/1.1 200 OK\r\nX-A: ${"b".repeat(300_000)}\r\n\r\n`,
    ),
    bad(
      "101 that nobody asked for",
      "9110, 15.2.2",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    ),
    row(
      "an end in the head",
      "9112, 8",
      ask,
      reply("HTTP/1.1 200 OK\r\nX-A"),
      appEnd(),
      got({ status: 502 }),
      open(),
    ),
    cut(
      "an end before the length",
      "9112, 8",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
      appEnd(),
    ),
    row(
      "a reset before the length",
      "9112, 8",
      ask,
      reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"),
      gotHead({ status: 200 }),
      gotBody("abc"),
      appReset(),
      gotCut(),
    ),
    cut("an end in a chunk", "9112, 8", `${chunkedHead}5\r\nabc`, appEnd()),
    cut("an end before the last chunk", "9112, 8", `${chunkedHead}3\r\nabc\r\n`, appEnd()),
    cut("an end before the last line", "9112, 8", `${chunkedHead}3\r\nabc\r\n0\r\n`, appEnd()),
    badChunk("a chunk size that is no number", "zz\r\n"),
    badChunk("an empty chunk size", "\r\nabc\r\n"),
    badChunk("a chunk size with a sign", "+3\r\nabc\r\n"),
    badChunk("a chunk size with a space behind it", "3 \r\nabc\r\n0\r\n\r\n"),
    badChunk("a chunk without its end", "3\r\nabcd\r\n0\r\n\r\n"),
    badChunk("a chunk that ends in bare LF", "3\r\nabc\n0\r\n\r\n"),
    badChunk("a chunk size line that ends in bare LF", "3\nabc\r\n0\r\n\r\n"),
    badChunk("a chunk size beyond all numbers", "fffffffffffffffff\r\n"),
    badChunk("a last chunk that ends in bare LF", "0\n\n"),
    badChunk("a chunk extension without end", `3;${"a".repeat(200_000)}`),
    row(
      "a malformed chunk right behind the head",
      "9112, 7.1",
      ask,
      reply(`${chunkedHead}zz\r\n`),
      gotFailure(),
    ),
    row(
      "a reset where only the end of the connection ends the body",
      "9112, 8",
      ask,
      reply("HTTP/1.1 200 OK\r\n\r\nabc"),
      gotHead({ status: 200 }),
      gotBody("abc"),
      appReset(),
      gotCut(),
    ),
    row(
      "an answer and more behind it",
      "9112, 9.3",
      ask,
      reply(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
      ),
      got({ status: 200, body: "a" }),
      exchange("/second"),
      connections(2),
    ),
    row(
      "a chunked answer and more behind it",
      "9112, 9.3",
      ask,
      reply(`${chunkedHead}0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
      got({ status: 200, body: "" }),
      exchange("/second"),
      connections(2),
    ),
    row(
      "more than an answer is no answer to the next",
      "9112, 9.3",
      ask,
      reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
      got({ status: 200, body: "a" }),
      reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
      appClosed(),
      exchange("/second"),
      connections(2),
    ),
  ],
};
