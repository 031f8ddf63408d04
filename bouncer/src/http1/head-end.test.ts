import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findHeadEnd, hopeless, incomplete, skipEmptyLines } from "./head-end.ts";
import { parseRequest } from "./head.ts";

const find = (text: string, from = 0): number => findHeadEnd(Buffer.from(text, "latin1"), from);

test.each([
  ["nothing", "", incomplete],
  ["a part of a line", "GET / HT", incomplete],
  ["a line", "GET / HTTP/1.1\r\n", incomplete],
  ["half a line end", "GET / HTTP/1.1\r", incomplete],
  ["half an empty line", "GET / HTTP/1.1\r\nA: b\r\n\r", incomplete],
  ["a head", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 24],
  ["a head and more", "GET / HTTP/1.1\r\nA: b\r\n\r\n\0\n\r\n\r\n", 24],
  ["a tab and bytes beyond ASCII", "GET / HTTP/1.1\r\nA:\t\xe9", incomplete],
  ["a bare line feed", "GET / HTTP/1.1\n", hopeless],
  ["a line feed first", "\nGET", hopeless],
  ["a bare CR", "GET / HTTP/1.1\rA", hopeless],
  ["two CR", "GET / HTTP/1.1\r\r", hopeless],
  ["NUL", "GET\0", hopeless],
  ["DEL", "GET /\x7f", hopeless],
  ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00", hopeless],
])("%s", (_name, text, expected) => {
  expect(find(text)).toBe(expected);
});

test("the end of what is before does not count, but for what belongs to a head already", () => {
  expect(find("body\rGET / HTTP/1.1\r\n", 5)).toBe(incomplete);
  expect(find("body\n\0GET", 6)).toBe(incomplete);
  expect(find("body\n", 4)).toBe(hopeless);
  expect(find("GET / HTTP/1.1\r\n", 15)).toBe(incomplete);
  expect(find("GET / HTTP/1.1\r\n\r\n", 17)).toBe(18);
});

test.each([
  ["", 0],
  ["\r", 0],
  ["\r\n", 2],
  ["\r\n\r\n", 4],
  ["\r\n\r\n\r\n", 4],
  ["\r\nGET", 2],
  ["\nGET", 0],
  ["\rGET", 0],
  ["GET\r\n", 0],
])("at most two empty lines before a request are skipped (RFC 9112, 2.2): %j", (text, expected) => {
  expect(skipEmptyLines(Buffer.from(`x${text}`), 1)).toBe(1 + expected);
});

const lineParts = fc.constantFrom("GET / HTTP/1.1", "Host: a", "\r\n", "\r", "\n", "X: \xe9", "\0");
const texts = fc.array(lineParts, { maxLength: 12 }).map((parts) => parts.join(""));

/** What has to be found in the end, or that the head is malformed. */
function judge(text: Buffer, found: number): boolean {
  const expected = text.indexOf("\r\n\r\n");
  if (found === incomplete) return expected === -1;
  if (found !== hopeless) return found === expected + 4;
  if (expected === -1) return true;
  return parseRequest(text, 0, expected + 4, { maxHeaders: 200 }).kind === "malformed";
}

test("however the bytes come, the end is found at the same place, or the head is malformed", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(40)), (text, cuts) => {
      const whole = Buffer.from(text, "latin1");
      let from = 0;
      let found: number = incomplete;
      for (const cut of [...cuts.toSorted((a, b) => a - b), whole.length]) {
        const length = Math.min(cut, whole.length);
        found = findHeadEnd(whole.subarray(0, length), from);
        from = length;
        if (found !== incomplete) break;
      }
      expect(judge(whole, found)).toBe(true);
    }),
  );
});
