import { expect, test } from "vitest";
import { older, parseVersion } from "./version.ts";

test.each([
  { text: "v1.34.1", version: "1.34.1" },
  { text: "v1.34.1+k3s1", version: "1.34.1" },
  { text: "v1.29.10-gke.1234", version: "1.29.10" },
  { text: "v1.36.0-rc.0", version: "1.36.0" },
  { text: "1.30", version: "1.30" },
  { text: "v1.34.1.2", version: null },
  { text: "v1", version: null },
  { text: "unknown", version: null },
  { text: "", version: null },
])("$text is version $version", ({ text, version }) => {
  expect(parseVersion(text)).toBe(version);
});

test.each([
  { left: "1.29.0", right: "1.28.15", oldest: "1.28.15" },
  { left: "1.9.0", right: "1.10.0", oldest: "1.9.0" },
  { left: "1.30.2", right: "1.30.10", oldest: "1.30.2" },
  { left: "1.30", right: "1.30.1", oldest: "1.30" },
  { left: "1.30.1", right: "1.30.1", oldest: "1.30.1" },
])("the older of $left and $right is $oldest", ({ left, right, oldest }) => {
  expect(older(left, right)).toBe(oldest);
  expect(older(right, left)).toBe(oldest);
});
