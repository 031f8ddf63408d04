import { expect, test } from "vitest";
import { isLoopback } from "./peer.ts";

test.each([
  ["127.0.0.1", true],
  ["::ffff:127.0.0.1", true],
  ["127.1.2.3", true],
  ["::1", true],
  ["10.0.0.7", false],
  ["::ffff:10.0.0.7", false],
  // Istio's proxy speaks for others from there, IPv4 and IPv6.
  ["127.0.0.6", false],
  ["::ffff:127.0.0.6", false],
  ["::6", false],
  [undefined, false],
])("%s is loopback: %s", (remoteAddress, expected) => {
  expect(isLoopback({ remoteAddress })).toBe(expected);
});
