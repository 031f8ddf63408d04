import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkedDecoder } from "./chunked.ts";
import { parseRequest, parseResponse } from "./head.ts";
import {
  formatChunkHead,
  formatLastChunk,
  formatRequestHead,
  formatResponseHead,
  UnwritableError,
} from "./serialize.ts";

const plain = { isChunked: false, connection: null };

test("a request as it is written", () => {
  const headers = ["Host", "a", "x-a", "", "X-B", "b  c"];
  expect(formatRequestHead("GET", "/a?b", headers, plain)).toBe(
    "GET /a?b HTTP/1.1\r\nHost: a\r\nx-a: \r\nX-B: b  c\r\n\r\n",
  );
  expect(
    formatRequestHead("POST", "*", ["Host", "a"], { isChunked: true, connection: "close" }),
  ).toBe("POST * HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
});

test("a response as it is written", () => {
  expect(formatResponseHead(200, "OK", ["X-A", "\xe9"], plain)).toBe(
    "HTTP/1.1 200 OK\r\nX-A: \xe9\r\n\r\n",
  );
  expect(formatResponseHead(599, "", [], { isChunked: true, connection: "keep-alive" })).toBe(
    "HTTP/1.1 599 \r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
});

test("chunks as they are written", () => {
  expect(formatChunkHead(1)).toBe("1\r\n");
  expect(formatChunkHead(65_535)).toBe("ffff\r\n");
  expect(formatLastChunk([])).toBe("0\r\n\r\n");
  expect(formatLastChunk(["X-T", "a"])).toBe("0\r\nX-T: a\r\n\r\n");
});

describe("what would read as more than it is is never written", () => {
  test.each([
    ["a method with a line end", () => formatRequestHead("GET\r\n", "/", [], plain)],
    ["a method with a space", () => formatRequestHead("GET /", "/", [], plain)],
    ["no method", () => formatRequestHead("", "/", [], plain)],
    ["a target with a space", () => formatRequestHead("GET", "/ HTTP/1.1", [], plain)],
    ["a target with a line end", () => formatRequestHead("GET", "/\r\na: b", [], plain)],
    ["a target beyond ASCII", () => formatRequestHead("GET", "/\xe9", [], plain)],
    ["a target that is cut to a line end", () => formatRequestHead("GET", "/\u010a", [], plain)],
    ["no target", () => formatRequestHead("GET", "", [], plain)],
    ["a status of two digits", () => formatResponseHead(20, "", [], plain)],
    ["a status of four digits", () => formatResponseHead(1000, "", [], plain)],
    ["a status that is no integer", () => formatResponseHead(200.5, "", [], plain)],
    ["a status that is no number", () => formatResponseHead(Number.NaN, "", [], plain)],
    ["a reason with a line end", () => formatResponseHead(200, "a\r\nb: c", [], plain)],
    ["a reason with a NUL", () => formatResponseHead(200, "a\0", [], plain)],
    ["a trailer with a line feed", () => formatLastChunk(["X-T", "a\nb"])],
    ["a chunk of nothing, which would be the last", () => formatChunkHead(0)],
    ["a chunk of less than nothing", () => formatChunkHead(-1)],
    ["a chunk of half a byte", () => formatChunkHead(0.5)],
    ["a chunk of endless bytes", () => formatChunkHead(Number.POSITIVE_INFINITY)],
  ])("%s", (_name, format) => {
    expect(format).toThrow(UnwritableError);
    expect(format).toThrow(expect.objectContaining({ code: "HTTP1_UNWRITABLE" }));
  });

  test.each(["\r", "\n", "\r\n", "\0", "\x01", "\x0b", "\x7f", "\u0100", "\u010a", "\u{1f60a}"])(
    "%j in a name or a value",
    (text) => {
      expect(() => formatResponseHead(200, "", ["X-A", `a${text}b`], plain)).toThrow(
        "Cannot write HTTP/1.1 message: value of X-A has invalid characters",
      );
      expect(() => formatResponseHead(200, "", [`X-A${text}`, "a"], plain)).toThrow(
        "Cannot write HTTP/1.1 message: a header's name is not a token",
      );
    },
  );

  test.each(["", " ", "X A", "X:", "X-A ", "\xe9"])("%j as a name", (name) => {
    expect(() => formatLastChunk([name, "a"])).toThrow(UnwritableError);
  });
});

/** As whoever reads it gets it. */
const trimmed = (value: string): string => value.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
const trimmedHeaders = (headers: readonly string[]): string[] =>
  headers.map((part, i) => (i % 2 === 0 ? part : trimmed(part)));

/** Null if it cannot be written. */
function written(format: () => string): Buffer | null {
  try {
    return Buffer.from(format(), "latin1");
  } catch (error) {
    if (error instanceof UnwritableError) return null;
    throw error;
  }
}

const odd = fc.constantFrom(
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  "\xff",
  "\u010d",
  "\x7f",
  ",",
);
const token = fc.string({ unit: fc.constantFrom(..."aZ0-_!~".split("")), minLength: 1 });
const text = fc.string({ unit: fc.oneof(fc.constantFrom(..."aZ09 \t:;=".split("")), odd) });
const value = fc.string({ unit: fc.constantFrom(...'aZ09 \t:;,=\x80\xff"'.split("")) });
const name = token.map((some) => `X-${some}`);
const headers = (values: fc.Arbitrary<string>, names = name): fc.Arbitrary<string[]> =>
  fc.array(fc.tuple(names, values), { maxLength: 6 }).map((lines) => lines.flat());
const anything = headers(fc.oneof(text, value), fc.oneof(name, text));

describe("what is written reads back as the same", () => {
  const limits = { maxHeaders: 10 };

  test("requests", () => {
    const framing = fc.constantFrom(
      { lines: [], isChunked: false, bodyLength: 0 },
      { lines: ["Content-Length", "7"], isChunked: false, bodyLength: 7 },
      { lines: [], isChunked: true, bodyLength: null },
    );
    fc.assert(
      fc.property(headers(value), framing, (lines, { lines: own, isChunked, bodyLength }) => {
        const all = ["Host", "a", ...lines, ...own];
        const head = formatRequestHead("POST", "/a", all, { isChunked, connection: null });
        const bytes = Buffer.from(head, "latin1");
        const rest = isChunked ? ["Transfer-Encoding", "chunked"] : [];
        expect(parseRequest(bytes, 0, bytes.length, limits)).toMatchObject({
          kind: "request",
          rawHeaders: [...trimmedHeaders(all), ...rest],
          bodyLength,
        });
      }),
    );
  });

  test("responses", () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 999 }), value, headers(value), (...parts) => {
        const [status, reason, lines] = parts;
        const head = formatResponseHead(status, reason, lines, plain);
        const bytes = Buffer.from(head, "latin1");
        expect(parseResponse(bytes, 0, bytes.length, { method: "GET" })).toMatchObject({
          kind: "response",
          status,
          reason,
          rawHeaders: trimmedHeaders(lines),
        });
      }),
    );
  });

  test("or is not written: no text makes another line", () => {
    fc.assert(
      fc.property(
        fc.oneof(token, text),
        fc.oneof(token, text),
        anything,
        (method, target, lines) => {
          const bytes = written(() => formatRequestHead(method, `/${target}`, lines, plain));
          if (bytes === null) return;
          const parts = bytes.toString("latin1").split("\r\n");
          expect(parts.length).toBe(lines.length / 2 + 3);
          expect(parts[0]).toBe(`${method} /${target} HTTP/1.1`);
          for (const [i, line] of parts.slice(1, -2).entries()) {
            expect(line).toBe(`${lines[2 * i] ?? ""}: ${lines[2 * i + 1] ?? ""}`);
          }
        },
      ),
    );
  });

  test("trailers", () => {
    fc.assert(
      fc.property(headers(value), (lines) => {
        const bytes = Buffer.from(formatLastChunk(lines), "latin1");
        const decoder = new ChunkedDecoder({ maxHeaderBytes: 16_384, maxHeaders: 10 });
        expect(decoder.decode(bytes, 0, () => {})).toBe(bytes.length);
        expect(decoder.trailers).toEqual(trimmedHeaders(lines));
      }),
    );
  });
});
