import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashText } from "./hash.ts";

test("a small positive integer, the same for the same text, whatever was hashed before", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (text, other) => {
      const hash = hashText(text);
      hashText(other);
      expect(hashText(`${text.slice(0, 3)}${text.slice(3)}`)).toBe(hash);
      expect(hash).toBeGreaterThan(0);
      expect(hash).toBeLessThan(2 ** 31);
      expect(Number.isInteger(hash)).toBe(true);
    }),
  );
});

test.each([
  ["numbers at the end", (at: number) => `{"path":"/api/v1/documents/doc-${at}"}`],
  ["numbers at the begin", (at: number) => `${at}{"path":"/api/v1/documents"}`],
  ["lengths", (at: number) => "a".repeat(at)],
  ["two digits a word apart", (at: number) => `${at % 100}--${Math.floor(at / 100)}-----`],
])("texts that differ by %s have different hashes, and slots that are spread", (_name, textOf) => {
  const count = 4000;
  const hashes = Array.from({ length: count }, (_, at) => hashText(textOf(at)));
  expect(new Set(hashes).size).toBeGreaterThan(count - 4);
  // Of as many random numbers, about 3550 slots of 16,384 would be taken.
  expect(new Set(hashes.map((hash) => hash & 16_383)).size).toBeGreaterThan(3400);
});

test("of a very long text, what is beyond the beginning does not count, and length does", () => {
  const long = "x".repeat(70_000);
  expect(hashText(`${long}a`)).toBe(hashText(`${long}b`));
  expect(hashText(`${long}aa`)).not.toBe(hashText(`${long}b`));
});
