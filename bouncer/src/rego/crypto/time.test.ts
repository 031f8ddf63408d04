import { expect, test } from "vitest";
import { attempt } from "./attempt.ts";
import { Der } from "./der.ts";
import { readTime } from "./time.ts";

test.each([
  [0x17, "491231235959Z", "2049-12-31T23:59:59Z"],
  [0x17, "500101000000Z", "1950-01-01T00:00:00Z"],
  [0x17, "5001010000Z", "1950-01-01T00:00:00Z"],
  [0x18, "20500101000000-0130", "2050-01-01T00:00:00-01:30"],
  [0x17, "200230000000Z", null],
  [0x17, "200101000000+0000", null],
  [0x18, "20500101000000.5Z", null],
])("%i %s is %s", (tag, text, expected) => {
  const der = Buffer.concat([Uint8Array.of(tag, text.length), Buffer.from(text)]);
  expect(attempt(() => readTime(new Der(der)).text)).toBe(expected);
});
