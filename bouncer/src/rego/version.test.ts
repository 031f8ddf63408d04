import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareVersions, parseVersion } from "./version.ts";

/** In ascending order, the one of semver.org among them. */
const ordered = [
  "0.0.1",
  "1.0.0--",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "v1.0.0",
  "1.0.1",
  "1.1.0",
  "9223372036854775807.0.0",
];

test("versions are in the order of semver.org", () => {
  const index = fc.nat({ max: ordered.length - 1 });
  fc.assert(
    fc.property(index, index, (one, other) => {
      const [a, b] = [one, other].map((at) => parseVersion(ordered[at] ?? ""));
      if (a === null || b === null || a === undefined || b === undefined)
        throw new Error("no version");
      expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(one - other));
    }),
  );
});

test("a build tells nothing, and neither do digits beyond 64 bits", () => {
  const [a, b] = ["1.0.0-99999999999999999999+a", "1.0.0-99999999999999999998"].map(parseVersion);
  expect(a && b ? compareVersions(a, b) : null).toBe(0);
});

test.each([
  "",
  "1",
  "1.2",
  "1.2.3.4",
  "01.2.3",
  "1.2.-3",
  "1.2.3-",
  "1.2.3-01",
  "1.2.3-a..b",
  "1.2.3+",
  "1.2.3-é",
  "vv1.2.3",
  "V1.2.3",
  "9223372036854775808.0.0",
])("%j is no version", (text) => {
  expect(parseVersion(text)).toBe(null);
});
