import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHuffman, encodeHuffman, huffmanBytes, mostDecodedBytes } from "./huffman.ts";

function encode(text: string): Buffer {
  const target = Buffer.alloc(text.length * 4 + 8);
  return target.subarray(0, encodeHuffman(text, target, 0));
}

function decode(source: Uint8Array): string | null {
  const target = Buffer.alloc(mostDecodedBytes(source.length));
  const count = decodeHuffman(source, { from: 0, end: source.length }, target);
  expect(count).toBeLessThanOrEqual(target.length);
  return count < 0 ? null : target.toString("latin1", 0, count);
}

const latin1 = fc
  .uint8Array({ maxLength: 200 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

test("every byte, alone and behind every other", () => {
  const broken: number[][] = [];
  for (let first = 0; first < 256; first += 1) {
    expect(decode(encode(String.fromCharCode(first)))).toBe(String.fromCharCode(first));
    for (let second = 0; second < 256; second += 1) {
      const text = String.fromCharCode(first, second);
      if (decode(encode(text)) !== text) broken.push([first, second]);
    }
  }
  expect(broken).toEqual([]);
});

test("what is encoded decodes to the same, in as many bytes as were foretold", () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const encoded = encode(text);
      expect(encoded.length).toBe(huffmanBytes(text));
      expect(decode(encoded)).toBe(text);
    }),
  );
});

// The code is complete, but for EOS: there is one text for each code, and none for some.
test("what is decoded encodes to the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const text = decode(bytes);
      fc.pre(text !== null);
      expect(encode(text ?? "")).toEqual(Buffer.from(bytes));
    }),
  );
});

test("characters that are no bytes have no code", () => {
  expect(huffmanBytes("a\u{100}")).toBe(Infinity);
});

test.each([
  { name: "a whole byte of padding", hex: "1f ff", text: null },
  { name: "seven bits of padding", hex: "18 ee ff", text: "aaB" },
  { name: "fifteen bits of padding", hex: "18 ee ff ff", text: null },
  { name: "padding with a zero", hex: "18", text: null },
  { name: "padding with ones", hex: "1f", text: "a" },
  { name: "EOS", hex: "ff ff ff ff", text: null },
  { name: "EOS, then a letter", hex: "ff ff ff fc 1f", text: null },
  { name: "nothing but a byte of padding", hex: "ff", text: null },
  { name: "a code that is cut off", hex: "ff f0", text: null },
  { name: "no bytes", hex: "", text: "" },
])("$name", ({ hex, text }) => {
  expect(decode(Buffer.from(hex.replaceAll(" ", ""), "hex"))).toBe(text);
});
