/** Where the body of a request ends (RFC 9112, 6 and 7). */
import { type Group, type Row, row } from "../row.ts";
import {
  all,
  broken,
  end,
  exchange,
  got,
  okAnswer,
  open,
  passes,
  rejected,
  reply,
  seenBody,
  seenHead,
  seenRest,
  send,
  type Step,
} from "../step.ts";

const post = "POST /p HTTP/1.1\r\nHost: a\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;

function refusedPost(headers: string, body = "3\r\nabc\r\n0\r\n\r\n") {
  return [send(`${post}${headers}\r\n${body}`), rejected(400)];
}

function refusedEncoding(name: string, value: string): Row {
  return row(name, "9112, 6.1", ...refusedPost(`Transfer-Encoding:${value}\r\n`));
}

function refusedLength(name: string, value: string): Row {
  return row(name, "9110, 8.6", ...refusedPost(`Content-Length:${value}\r\n`, "abc"));
}

/** The same body, however it is chunked. */
function chunks(name: string, section: string, text: string, body = "abc"): Row {
  return row(name, section, passes(chunked + text, { target: "/p", body }));
}

function badChunk(name: string, section: string, text: string): Row {
  return row(name, section, send(chunked + text), broken());
}

/** The rest of the upload, its answer, and the connection that stays open. */
function seenRestOf(body: string): Step {
  return all(seenRest({ body }), reply(okAnswer), got({ status: 200, body: "ok" }), open());
}

export const requestFraming: Group = {
  title: "Request framing",
  rows: [
    row(
      "a length",
      "9112, 6.2",
      passes(`${post}Content-Length: 3\r\n\r\nabc`, { body: "abc", has: ["Content-Length: 3"] }),
    ),
    row(
      "length 0",
      "9112, 6.2",
      passes(`${post}Content-Length: 0\r\n\r\n`, { body: "", has: ["Content-Length: 0"] }),
    ),
    row(
      "POST with neither",
      "9112, 6.3",
      passes(`${post}\r\n`, { body: "", lacks: ["transfer-encoding"] }),
    ),
    row(
      "a body in GET",
      "9110, 9.3.1",
      passes("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", {
        method: "GET",
        body: "abc",
      }),
    ),
    row(
      "a body in DELETE, chunked",
      "9110, 9.3.5",
      passes(
        "DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        { method: "DELETE", body: "abc" },
      ),
    ),
    row(
      "length with zeros in front",
      "9110, 8.6",
      passes(`${post}Content-Length: 003\r\n\r\nabc`, { body: "abc" }),
    ),
    row(
      "length and white space",
      "9112, 5.1",
      passes(`${post}Content-Length: \t3 \r\n\r\nabc`, { body: "abc" }),
    ),
    row(
      "the body in two pieces",
      "9112, 6.2",
      send(`${post}Content-Length: 6\r\n\r\nabc`),
      seenHead({ target: "/p" }),
      seenBody("abc"),
      send("def"),
      seenRestOf("abcdef"),
    ),
    row(
      "the head of an upload goes out before its body comes",
      "9110, 10.1.1",
      send(`${post}Content-Length: 3\r\n\r\n`),
      seenHead({ target: "/p", has: ["Content-Length: 3"] }),
      send("abc"),
      seenRestOf("abc"),
    ),
    row(
      "the head of a chunked upload goes out before its body comes",
      "9112, 7.1",
      send(chunked),
      seenHead({ target: "/p" }),
      send("3\r\nabc\r\n0\r\n\r\n"),
      seenRestOf("abc"),
    ),
    row(
      "chunks go out as they come",
      "9112, 7.1",
      send(chunked),
      seenHead({ target: "/p" }),
      send("1\r\na\r\n"),
      seenBody("a"),
      send("1\r\nb\r\n"),
      seenBody("ab"),
      send("0\r\n\r\n"),
      seenRestOf("ab"),
    ),
    row(
      "both length and chunked",
      "9112, 6.1",
      ...refusedPost("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    ),
    row(
      "both, the other way round",
      "9112, 6.1",
      ...refusedPost("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ),
    row(
      "both, and length 0",
      "9112, 6.1",
      ...refusedPost("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
    ),
    row(
      "both, and an encoding that is not known",
      "9112, 6.1",
      ...refusedPost("Content-Length: 5\r\nTransfer-Encoding: x\r\n"),
    ),
    row(
      "two lengths",
      "9112, 6.3",
      ...refusedPost("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
    ),
    row(
      "the same length twice",
      "9112, 6.3",
      ...refusedPost("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
    ),
    refusedLength("a list of the same length", " 3, 3"),
    refusedLength("a list of lengths", " 3, 4"),
    refusedLength("a length with a sign", " +3"),
    refusedLength("a negative length", " -3"),
    refusedLength("a length in hex", " 0x3"),
    refusedLength("a length with a fraction", " 3.0"),
    refusedLength("a length with a space", " 3 0"),
    refusedLength("an empty length", ""),
    refusedLength("a length in letters", " three"),
    refusedLength("a length beyond all numbers", " 99999999999999999999"),
    refusedLength("a length that is 3 in 64 bits", " 18446744073709551619"),
    row(
      "a length with an underscore in its name",
      "9110, 5.1",
      passes(`${post}Content_Length: 3\r\n\r\n`, { body: "" }),
    ),
    refusedEncoding("gzip before chunked", " gzip, chunked"),
    refusedEncoding("chunked before gzip", " chunked, gzip"),
    refusedEncoding("chunked twice in a list", " chunked, chunked"),
    row(
      "chunked twice in lines",
      "9112, 6.1",
      ...refusedPost("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    ),
    row(
      "identity and chunked in lines",
      "9112, 6.1",
      ...refusedPost("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
    ),
    refusedEncoding("identity", " identity"),
    refusedEncoding("an encoding that is not known", " xchunked"),
    refusedEncoding("an empty encoding", ""),
    refusedEncoding("chunked in quotes", ' "chunked"'),
    refusedEncoding("chunked with a parameter", " chunked;a=b"),
    refusedEncoding("chunked behind a vertical tab", " \x0bchunked"),
    refusedEncoding("chunked behind a line fold", "\r\n chunked"),
    refusedEncoding("chunked behind a comma", " ,chunked"),
    row(
      "an encoding with a space before its colon",
      "9112, 5.1",
      ...refusedPost("Transfer-Encoding : chunked\r\n"),
    ),
    row(
      "an encoding in HTTP/1.0",
      "9112, 6.1",
      send("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      rejected(400),
    ),
    row(
      "Chunked in another case",
      "9112, 7",
      passes(`${post}transfer-encoding:\tChUnKeD \r\n\r\n3\r\nabc\r\n0\r\n\r\n`, { body: "abc" }),
    ),
    chunks("one chunk", "9112, 7.1", "3\r\nabc\r\n0\r\n\r\n"),
    chunks("several chunks", "9112, 7.1", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
    chunks("no chunk but the last", "9112, 7.1", "0\r\n\r\n", ""),
    chunks("a size in upper case", "9112, 7.1", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    chunks("a size with zeros in front", "9112, 7.1", "00003\r\nabc\r\n000\r\n\r\n"),
    chunks("a chunk extension is dropped", "9112, 7.1.1", "3;a=b\r\nabc\r\n0;c\r\n\r\n"),
    chunks("a chunk extension in quotes", "9112, 7.1.1", '3;a="b;c"\r\nabc\r\n0\r\n\r\n'),
    chunks(
      "bytes that look like chunks",
      "9112, 7.1",
      "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
      "\r\n0\r\n\r\n",
    ),
    badChunk("a size that is no number", "9112, 7.1", "zz\r\nabc\r\n0\r\n\r\n"),
    badChunk("an empty size", "9112, 7.1", "\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size with a sign", "9112, 7.1", "+3\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size with 0x", "9112, 7.1", "0x3\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size with a space before it", "9112, 7.1", " 3\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size with a space behind it", "9112, 7.1", "3 \r\nabc\r\n0\r\n\r\n"),
    badChunk("a size beyond all numbers", "9112, 7.1", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size that is 3 in 64 bits", "9112, 7.1", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    badChunk("a size line that ends in bare LF", "9112, 7.1", "3\nabc\r\n0\r\n\r\n"),
    badChunk("a bare LF in a chunk extension", "9112, 7.1.1", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    badChunk("a bare CR in a chunk extension", "9112, 7.1.1", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
    badChunk("a chunk without its end", "9112, 7.1", "3\r\nabc0\r\n\r\n"),
    badChunk("a chunk that ends in bare LF", "9112, 7.1", "3\r\nabc\n0\r\n\r\n"),
    badChunk("a chunk that is longer than its size", "9112, 7.1", "3\r\nabcd\r\n0\r\n\r\n"),
    badChunk("a last chunk that ends in bare LF", "9112, 7.1", "3\r\nabc\r\n0\n\n"),
    badChunk("a chunk extension without end", "9112, 7.1.1", `3;${"a".repeat(200_000)}`),
    row(
      "a body that ends before its length",
      "9112, 8",
      send(`${post}Content-Length: 5\r\n\r\nabc`),
      end(),
      broken(),
    ),
    row(
      "a chunked body that ends in a chunk",
      "9112, 8",
      send(`${chunked}5\r\nabc`),
      end(),
      broken(),
    ),
    row(
      "a chunked body that ends before the last chunk",
      "9112, 8",
      send(`${chunked}3\r\nabc\r\n`),
      end(),
      broken(),
    ),
    row(
      "a chunked body that ends before the last line",
      "9112, 8",
      send(`${chunked}3\r\nabc\r\n0\r\n`),
      end(),
      broken(),
    ),
    row(
      "a request right behind a body is a request",
      "9112, 9.3",
      passes(`${post}Content-Length: 3\r\n\r\nabc`, { body: "abc" }),
      exchange("/p2"),
    ),
  ],
};
