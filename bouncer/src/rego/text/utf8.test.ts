import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countCodePoints, decodeUtf8, encodeUtf8, fromByteString, toByteString } from "./utf8.ts";

test.each([
  ["c3a9", "é"],
  ["efbbbf61", "\u{FEFF}a"],
  ["ff", "\u{FFFD}"],
  ["e282", "\u{FFFD}\u{FFFD}"],
  ["e28261", "\u{FFFD}\u{FFFD}a"],
  ["c080", "\u{FFFD}\u{FFFD}"],
  ["eda080", "\u{FFFD}\u{FFFD}\u{FFFD}"],
  ["f4908080", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"],
  ["f09f9880c3", "😀\u{FFFD}"],
])("the bytes %s are %j", (hex, expected) => {
  expect(decodeUtf8(Buffer.from(hex, "hex"))).toBe(expected);
});

const text = fc.string({ unit: "binary" });

test("texts come back from their bytes", () => {
  fc.assert(
    fc.property(text, (written) => {
      expect(decodeUtf8(encodeUtf8(written))).toBe(written.toWellFormed());
      expect(fromByteString(toByteString(written))).toBe(written.toWellFormed());
    }),
  );
});

test("characters are counted as they are walked through", () => {
  fc.assert(
    fc.property(text, (written) => {
      expect(countCodePoints(written)).toBe(Array.from(written).length);
    }),
  );
});
