import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HeadMemo } from "./head-memo.ts";
import { type KnownResponse, parseRequest, parseResponse, type RequestFields } from "./head.ts";

const limits = { maxHeaders: 20 };

const lines = fc.array(
  fc.constantFrom(
    "Host: a\r\n",
    "Host: b\r\n",
    "Accept: */*\r\n",
    "Connection: close\r\n",
    "Content-Length: 4\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "X: \x01\r\n",
    `Long: ${"x".repeat(3000)}\r\n`,
  ),
  { maxLength: 3 },
);
const first = fc.constantFrom("GET / HTTP/1.1", "POST /a HTTP/1.1", "GET / HTTP/1.0");
const status = fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 204 ", "HTTP/1.0 200 OK");

function headOf(line: string, headers: readonly string[]): Buffer {
  return Buffer.from(`${line}\r\n${headers.join("")}\r\n`, "latin1");
}

test("a connection with a memory reads what one without would, request after request", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(first, lines), { maxLength: 12 }), (heads) => {
      const memo = new HeadMemo<RequestFields>();
      for (const [line, headers] of heads) {
        const bytes = headOf(line, headers);
        const read = parseRequest(bytes, 0, bytes.length, { ...limits, memo });
        expect(read).toEqual(parseRequest(bytes, 0, bytes.length, limits));
      }
    }),
    { numRuns: 1000 },
  );
});

test("and answer after answer, whatever was asked", () => {
  const method = fc.constantFrom("GET", "HEAD");
  fc.assert(
    fc.property(fc.array(fc.tuple(status, lines, method), { maxLength: 12 }), (heads) => {
      const memo = new HeadMemo<KnownResponse>();
      for (const [line, headers, asked] of heads) {
        const bytes = headOf(line, headers);
        const read = parseResponse(bytes, 0, bytes.length, { method: asked, memo });
        expect(read).toEqual(parseResponse(bytes, 0, bytes.length, { method: asked }));
      }
    }),
    { numRuns: 1000 },
  );
});

test("the same bytes are found, others are not, and large ones are not kept", () => {
  const memo = new HeadMemo<number>();
  const bytes = Buffer.from("abcabdab");
  memo.keep(bytes, 0, 3, 1);
  expect([memo.find(bytes, 0, 3), memo.find(bytes, 3, 6), memo.find(bytes, 6, 8)]).toEqual([
    1,
    null,
    null,
  ]);
  bytes.write("xyz");
  expect(memo.find(Buffer.from("abc"), 0, 3)).toBe(1);
  memo.keep(Buffer.alloc(3000), 0, 3000, 2);
  expect(memo.find(Buffer.alloc(3000), 0, 3000)).toBeNull();
  expect(memo.find(Buffer.from("abc"), 0, 3)).toBeNull();
});
