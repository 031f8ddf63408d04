import { expect, test } from "vitest";
import { findTooOld, prefersNative, supportsNative } from "./native.ts";

test.each([
  ["1.29.0", true],
  ["v1.29.3-gke.100", true],
  ["1.34+", true],
  ["2.0.0", true],
  ["1.28.15", false],
  ["v1.9.1", false],
  ["0.29.0", false],
  ["unknown", true],
  ["", true],
])("%s: %s", (version, expected) => {
  expect(supportsNative(version)).toBe(expected);
});

test("the oldest decides, and whose it is", () => {
  const cluster = { apiServer: "1.34.1", oldestKubelet: "1.28.2", services: null };
  expect(findTooOld(cluster)).toBe("the oldest kubelet is 1.28.2");
  expect(findTooOld({ ...cluster, apiServer: "1.28.0" })).toBe("the API server is 1.28.0");
  expect(findTooOld({ apiServer: null, oldestKubelet: null, services: null })).toBeNull();
  expect(prefersNative("auto", cluster)).toBe(false);
  expect(prefersNative(true, cluster)).toBe(true);
  expect(prefersNative(false, { ...cluster, oldestKubelet: null })).toBe(false);
});
