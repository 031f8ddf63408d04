import { expect, test } from "vitest";
import { Zone } from "./zone.ts";
import { findZone } from "./zones.ts";

const berlin = findZone("Europe/Berlin") ?? Zone.utc;

test.each([
  // Berlin's clocks skip from 2 to 3, and show 2 to 3 twice.
  [1_711_846_799, "CET", 3600],
  [1_711_846_800, "CEST", 7200],
  [1_729_990_799, "CEST", 7200],
  [1_729_990_800, "CET", 3600],
  // Before there was one time for all of a country.
  [-3_000_000_000, "LMT", 3208],
  // After the last transition that is written down.
  [9_000_000_000, "CET", 3600],
  [9_015_000_000, "CEST", 7200],
])("at %d, Berlin has %s", (seconds, name, offset) => {
  expect(berlin.lookup(seconds)).toMatchObject({ name, offset });
});

test.each([
  ["a skipped time", 1_711_848_600, 1_711_845_000],
  ["a time that is shown twice", 1_729_996_200, 1_729_992_600],
])("%s is resolved as Go does", (_what, local, seconds) => {
  expect(berlin.fromLocal(local)).toBe(seconds);
});

test("south of the equator, summer is at both ends of the year", () => {
  const sydney = findZone("Australia/Sydney") ?? Zone.utc;
  expect(sydney.lookup(4_070_908_800)).toMatchObject({ name: "AEDT", offset: 39_600 });
  expect(sydney.lookup(4_086_547_200)).toMatchObject({ name: "AEST", offset: 36_000 });
});

test.each(["", "UTC", "Local"])("%j is UTC", (name) => {
  expect(findZone(name)).toBe(Zone.utc);
});

test.each(["utc", "europe/berlin", "Europe/Atlantis", "../Europe/Berlin", "/etc/passwd", "CEST"])(
  "there is no zone %s",
  (name) => {
    expect(findZone(name)).toBe(null);
  },
);

test("a zone is read once, and other names of it are the same zone in all but identity", () => {
  expect(findZone("Europe/Berlin")).toBe(berlin);
  expect(findZone("Asia/Calcutta")?.lookup(0)).toEqual(findZone("Asia/Kolkata")?.lookup(0));
});
