import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkedDecoder } from "./chunked.ts";
import { formatChunkHead, formatLastChunk } from "./serialize.ts";

const limits = { maxHeaderBytes: 200, maxHeaders: 5 };

interface Decoded {
  readonly state: ChunkedDecoder["state"];
  readonly problem: string;
  readonly data: string;
  readonly trailers: readonly string[];
  /** Bytes that belong to the message. */
  readonly length: number;
}

/** The bytes in pieces that end at `cuts`. */
function decode(text: string, cuts: readonly number[] = []): Decoded {
  const whole = Buffer.from(text, "latin1");
  const decoder = new ChunkedDecoder(limits);
  let data = "";
  let length = 0;
  let start = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), whole.length]) {
    const piece = whole.subarray(start, Math.min(cut, whole.length));
    start += piece.length;
    length += decoder.decode(piece, 0, (from, to) => {
      data += piece.toString("latin1", from, to);
    });
    if (decoder.state !== "open") break;
  }
  const { state, problem, trailers } = decoder;
  return { state, problem, data, trailers, length };
}

describe("chunks (RFC 9112, 7.1)", () => {
  const end = "0\r\n\r\n";
  test.each([
    ["nothing but the end", end, ""],
    ["one chunk", `5\r\nhello\r\n${end}`, "hello"],
    ["several chunks", `2\r\nhe\r\n3\r\nllo\r\n${end}`, "hello"],
    [
      "hexadecimal in either case",
      `A\r\n0123456789\r\na\r\n0123456789\r\n${end}`,
      "0123456789".repeat(2),
    ],
    ["leading zeros", `0000000000000005\r\nhello\r\n000\r\n\r\n`, "hello"],
    ["line ends as data", `4\r\n\r\n\r\n\r\n${end}`, "\r\n\r\n"],
    ["an extension", `5;a\r\nhello\r\n${end}`, "hello"],
    ["extensions with values", `5;a=b;c="d \\" ;\t\xe9"\r\nhello\r\n0;x=y\r\n\r\n`, "hello"],
  ])("%s", (_name, text, data) => {
    const expected = { state: "done", problem: "", data, trailers: [], length: text.length };
    expect(decode(text)).toEqual(expected);
    expect(decode(`${text}GET / HTTP/1.1`)).toEqual(expected);
  });

  test.each([
    ["nothing", ""],
    ["a part of a size", "1"],
    ["a size", "5\r\n"],
    ["a part of the data", "5\r\nhel"],
    ["the data", "5\r\nhello"],
    ["a chunk", "5\r\nhello\r\n"],
    ["the last chunk", "0\r\n"],
    ["a part of the end", "0\r\n\r"],
    ["a part of a trailer", "0\r\nX-T: a\r\n"],
  ])("more is to come behind %s", (_name, text) => {
    expect(decode(text)).toMatchObject({ state: "open", length: text.length });
  });

  const size = "a chunk's size is not a number";
  const large = "a chunk's size is too large";
  const line = "a chunk's size line does not end with CR LF";
  const data = "a chunk is longer than its size, or does not end with CR LF";
  const extension = "a chunk's extensions are not names and values";
  const character = "a chunk's extensions have an invalid character";
  test.each([
    ["no size", "\r\nhello", size],
    ["a size that is none", "g\r\n", size],
    ["0x", "0x5\r\nhello", size],
    ["a sign", "+5\r\nhello", size],
    ["a minus", "-0\r\n\r\n", size],
    ["whitespace before a size", " 5\r\nhello", size],
    ["whitespace behind a size", "5 \r\nhello", size],
    ["a tab behind a size", "5\t\r\nhello", size],
    ["an underscore", "1_0\r\n", size],
    ["a bare line feed behind a size", "5\nhello", size],
    ["a bare CR behind a size", "5\rhello", line],
    ["two CR behind a size", "5\r\r\nhello", line],
    ["a size of more than 2^53", "20000000000001\r\n", large],
    ["a size of more than 2^64", "10000000000000005\r\n", large],
    ["a size of 17 digits", "00000000000000005\r\n", large],
    ["data that goes on", "5\r\nhello!\r\n", data],
    ["data that is too short", "5\r\nhell\r\n0\r\n\r\n", data],
    ["a bare line feed behind data", "5\r\nhello\n", data],
    ["a bare CR behind data", "5\r\nhello\r0", data],
    ["an extension without a name", "5;\r\n", extension],
    ["a value without a name", "5;=a\r\n", extension],
    ["an extension without a value", "5;a=\r\n", extension],
    ["whitespace before an extension", "5 ;a\r\n", size],
    ["whitespace in an extension", "5; a\r\n", extension],
    ["whitespace around =", "5;a = b\r\n", extension],
    ["a quote without an end", '5;a="b\r\n', extension],
    ["something behind a quote", '5;a="b"c\r\n', extension],
    ["a name beyond ASCII", "5;\xe9\r\n", extension],
    ["a line feed in an extension", "5;a\nb\r\n", character],
    ["a line feed in a quote", '5;a="\n"\r\n', character],
    ["NUL in a quote", '5;a="\0"\r\n', character],
  ])("%s is malformed", (_name, text, problem) => {
    expect(decode(text)).toMatchObject({ state: "malformed", problem });
  });

  test("the greatest size is exact", () => {
    const decoder = new ChunkedDecoder(limits);
    const head = Buffer.from("1fffffffffffff\r\n");
    expect(decoder.decode(head, 0, () => {})).toBe(head.length);
    expect(decoder.state).toBe("open");
  });
});

describe("trailers (RFC 9112, 7.1.2)", () => {
  test("are read as headers are", () => {
    const text = "0\r\nX-T: a \r\nx-t:\xe9\r\n\r\n";
    const trailers = ["X-T", "a", "x-t", "\xe9"];
    expect(decode(text)).toMatchObject({ state: "done", trailers, length: text.length });
  });

  test.each([
    ["a fold", "X-T: a\r\n b\r\n", "a header is folded over lines"],
    ["whitespace before the colon", "X-T : a\r\n", "a header has whitespace before its colon"],
    ["no colon", "X-T\r\n", "a header line has no colon"],
    ["the next request", "GET / HTTP/1.1\r\n", "a header has whitespace before its colon"],
    ["a bare line feed", "X-T: a\nX-U: b\r\n", "a line does not end with CR LF"],
    ["a bare line feed at once", "\n", "a header line has no colon"],
    ["a bare CR", "X-T: a\rb\r\n", "a trailer has an invalid character"],
    ["a CR and no end", "\rX", "a trailer has an invalid character"],
    ["NUL", "X-T: \0", "a trailer has an invalid character"],
    ["a length", "content-length: 5\r\n", "a trailer belongs into the head"],
    ["an encoding", "Transfer-Encoding: chunked\r\n", "a trailer belongs into the head"],
    ["the end of the connection", "Connection: close\r\n", "a trailer belongs into the head"],
    ["its end for a proxy", "Proxy-Connection: close\r\n", "a trailer belongs into the head"],
    ["an upgrade", "Upgrade: a\r\n", "a trailer belongs into the head"],
    ["too many", "a: b\r\n".repeat(6), "more than 5 trailers"],
    ["too large ones", `a: ${"b".repeat(200)}`, "the trailers are too large"],
    ["too large ones in lines", `a: ${"b".repeat(60)}\r\n`.repeat(4), "the trailers are too large"],
  ])("%s is malformed", (_name, lines, problem) => {
    expect(decode(`0\r\n${lines}`)).toMatchObject({ state: "malformed", problem });
  });
});

describe("what is not data is bounded", () => {
  const long = `;${"a".repeat(999)}`;

  test("an extension of more than a KiB is malformed before its end", () => {
    expect(decode(`5;${"a".repeat(1024)}`)).toMatchObject({
      state: "malformed",
      problem: "a chunk's extensions are too long",
    });
  });

  test("many chunks of a byte with long extensions are malformed (CVE-2023-39326)", () => {
    const chunk = `1${long}\r\na\r\n`;
    expect(decode(chunk.repeat(8))).toMatchObject({ state: "open" });
    expect(decode(chunk.repeat(9))).toMatchObject({
      state: "malformed",
      problem: "there are more chunk extensions than data",
    });
  });

  test("extensions that are less than the data are not", () => {
    const chunk = `400${long}\r\n${"a".repeat(1024)}\r\n`;
    expect(decode(`${chunk.repeat(100)}0\r\n\r\n`)).toMatchObject({ state: "done" });
  });
});

test("what follows the message or its end is not looked at", () => {
  const decoder = new ChunkedDecoder(limits);
  const bytes = Buffer.from("xx0\r\n\r\n\0\0");
  expect(decoder.decode(bytes, 2, () => {})).toBe(7);
  expect(decoder.decode(bytes, 7, () => {})).toBe(7);
  expect(decoder.state).toBe("done");
});

const pieces = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 20 }), {
  maxLength: 6,
});
const extensions = fc.constantFrom("", ";a", ';a="b;c"');
const trailerLines = fc.constantFrom([], ["X-T", "a"], ["X-T", "a", "X-U", ""]);

test("chunks that are written are read back, however the bytes are cut", () => {
  fc.assert(
    fc.property(pieces, extensions, trailerLines, fc.array(fc.nat(200)), (...parts) => {
      const [data, extension, trailers, cuts] = parts;
      const text = data
        .map(
          (piece) => formatChunkHead(piece.length).replace("\r", `${extension}\r`) + piece + "\r\n",
        )
        .join("")
        .concat(formatLastChunk(trailers));
      expect(decode(`${text}GET`, cuts)).toEqual({
        state: "done",
        problem: "",
        data: data.join(""),
        trailers,
        length: text.length,
      });
    }),
  );
});

const parts = fc.constantFrom(
  ..."0 5 a 5\r\nhello\r\n \r\n \r \n ; ;a=b 0\r\n \0 X-T:a\r\n Content-Length: \x80".split(" "),
);

test("cut at every byte or not at all: the same comes out", () => {
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (some) => {
      const text = some.join("");
      const everywhere = Array.from({ length: text.length }, (_, i) => i);
      expect(decode(text, everywhere)).toEqual(decode(text));
    }),
  );
});
