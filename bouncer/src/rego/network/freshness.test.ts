import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findExpiry, type Headers, parseHttpDate } from "./freshness.ts";

const second = 1_000_000_000n;
const noon = 784_111_777n * second;

test.each<readonly [string, bigint | null]>([
  ["Sun, 06 Nov 1994 08:49:37 GMT", noon],
  ["Sunday, 06-Nov-94 08:49:37 GMT", noon],
  ["Sun Nov  6 08:49:37 1994", noon],
  ["Thursday, 01-Jan-70 00:00:00 GMT", 0n],
  ["Friday, 01-Jan-68 00:00:00 GMT", 3_092_601_600n * second],
  ["Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800n * second],
  ["Wed, 29 Feb 2023 00:00:00 GMT", null],
  ["Sun, 31 Apr 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 1994 24:49:37 GMT", null],
  ["Sun, 6 Nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 1994 08:49:37 CET", null],
  ["Sun, 06 nov 1994 08:49:37 GMT", null],
  ["1994-11-06T08:49:37Z", null],
  ["0", null],
  ["", null],
])("the date %j", (text, instant) => {
  expect(parseHttpDate(text)).toBe(instant);
});

test("dates as servers write them are read", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (instant) => {
      const text = new Date(instant * 1000).toUTCString();
      expect(parseHttpDate(text)).toBe(BigInt(instant) * second);
    }),
  );
});

const date = "Sun, 06 Nov 1994 08:49:37 GMT";
const later = "Sun, 06 Nov 1994 08:50:37 GMT";

test.each<readonly [string, Readonly<Record<string, string>>, bigint | "error"]>([
  ["max-age counts from the date", { "cache-control": "max-age=10", date }, noon + 10n * second],
  ["zero", { "cache-control": "max-age=0", date }, noon],
  ["spaces", { "cache-control": " public , max-age=10 ", date }, noon + 10n * second],
  [
    "a huge one",
    { "cache-control": `max-age=${"9".repeat(40)}`, date },
    noon + 2_147_483_647n * second,
  ],
  ["no date", { "cache-control": "max-age=10" }, "error"],
  ["a wrong date", { "cache-control": "max-age=10", date: "now" }, "error"],
  ["no number", { "cache-control": "max-age=ten", date }, "error"],
  ["negative", { "cache-control": "max-age=-1", date }, "error"],
  ["without a value", { "cache-control": "max-age", date }, "error"],
  [
    "capitals are another word",
    { "cache-control": "Max-Age=10", date, expires: later },
    noon + 60n * second,
  ],
  ["expires", { expires: later }, noon + 60n * second],
  ["expires, which is no date", { expires: "0" }, 0n],
  ["nothing", {}, 0n],
])("%s", (_name, record, expected) => {
  const headers: Headers = new Map(Object.entries(record).map(([name, value]) => [name, [value]]));
  expect(tryExpiry(headers)).toBe(expected);
});

/** 0 when nothing is said: none of the past ends earlier. */
function tryExpiry(headers: Headers): bigint | "error" {
  try {
    return findExpiry({ headers, forcedSeconds: null, now: 0n });
  } catch {
    return "error";
  }
}

test("what is forced counts from now, whatever is said", () => {
  const headers: Headers = new Map([["cache-control", ["max-age=10"]]]);
  expect(findExpiry({ headers, forcedSeconds: 5, now: noon })).toBe(noon + 5n * second);
});
