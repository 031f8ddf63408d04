import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countDays, toDay } from "./calendar.ts";
import { addDate, toLocal, toNanos } from "./instant.ts";
import { formatTime } from "./format.ts";
import { parseTime } from "./parse.ts";
import { findZone } from "./zones.ts";
import { Zone } from "./zone.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const zone = fc
  .constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin")
  .map((name) => findZone(name) ?? Zone.utc);

test("a day is the day of its number", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), (days) => {
      expect(countDays(toDay(days))).toBe(days);
    }),
  );
});

test("days are those of JavaScript's calendar", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), (days) => {
      const date = new Date(days * 86_400_000);
      const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
      expect(toDay(days)).toEqual({ year, month, day });
    }),
  );
});

test("no step leads nowhere, except in an hour that clocks show twice", () => {
  const none = { years: 0n, months: 0n, days: 0n };
  fc.assert(
    fc.property(int64, zone, (nanos, place) => {
      const moved = addDate(toLocal(nanos, place), place, none) ?? nanos;
      const [one, other] = [toLocal(nanos, place), toLocal(moved, place)];
      expect({ ...other, offset: 0, zone: "" }).toEqual({ ...one, offset: 0, zone: "" });
    }),
  );
});

test("what is printed with an offset to the second is read as what it was", () => {
  const layout = "2006-01-02T15:04:05.999999999Z07:00:00";
  fc.assert(
    fc.property(int64, zone, (nanos, place) => {
      expect(parseTime(layout, formatTime(toLocal(nanos, place), layout))).toBe(nanos);
    }),
  );
});

test("the range ends with 64 bits", () => {
  expect(toNanos(9_223_372_036, 854_775_807)).toBe(2n ** 63n - 1n);
  expect(toNanos(9_223_372_036, 854_775_808)).toBe(null);
  expect(toNanos(-9_223_372_037, 145_224_192)).toBe(-(2n ** 63n));
  expect(toNanos(-9_223_372_037, 145_224_191)).toBe(null);
});
