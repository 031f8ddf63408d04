import { array, assert, integer, property, string } from "fast-check";
import { expect, test } from "vitest";
import { createLineReader } from "./watch-lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  { name: "one line", pieces: ["a\n"], lines: ["a"] },
  { name: "two lines in one piece", pieces: ["a\nb\n"], lines: ["a", "b"] },
  { name: "a line in three pieces", pieces: ["a", "b", "c\n"], lines: ["abc"] },
  {
    name: "the end of one and the start of another",
    pieces: ["a", "b\nc", "d\n"],
    lines: ["ab", "cd"],
  },
  { name: "a newline alone", pieces: ["a", "\n"], lines: ["a"] },
  { name: "empty lines", pieces: ["\n\r\n", "a\n\n"], lines: ["a"] },
  { name: "a line that was cut off", pieces: ["a\nb"], lines: ["a"] },
  { name: "as long as is allowed", pieces: ["12345678\n"], lines: ["12345678"] },
])("$name", ({ pieces, lines }) => {
  const reader = createLineReader(8);
  expect(pieces.flatMap((piece) => reader.push(bytes(piece)))).toEqual(lines);
});

test.each([
  { name: "in one piece", pieces: ["123456789\n"] },
  { name: "in two pieces", pieces: ["12345678", "9\n"] },
  { name: "without an end", pieces: ["1234", "5678", "9"] },
])("too long $name", ({ pieces }) => {
  const reader = createLineReader(8);
  expect(() => pieces.map((piece) => reader.push(bytes(piece)))).toThrow(
    "a line is longer than 8 bytes",
  );
});

test("what is no UTF-8 is refused", () => {
  expect(() => createLineReader(8).push(new Uint8Array([0xff, 0x0a]))).toThrow(TypeError);
});

test("wherever the pieces end, also within characters, the lines are the same", () => {
  const text = array(
    string({ unit: "grapheme", minLength: 1 }).filter(
      (line) => line.trim() !== "" && !line.includes("\n"),
    ),
  );
  assert(
    property(text, integer({ min: 1, max: 7 }), (lines, size) => {
      const all = bytes(lines.map((line) => `${line}\n`).join(""));
      const reader = createLineReader(1_000_000);
      const read: string[] = [];
      for (let at = 0; at < all.length; at += size)
        read.push(...reader.push(all.subarray(at, at + size)));
      // A TextDecoder takes a byte order mark away, which JSON may not begin with anyway.
      expect(read).toEqual(lines.map((line) => line.replace(/^\uFEFF/, "")));
    }),
  );
});
