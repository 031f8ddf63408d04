import { expect, test } from "vitest";
import { matchesEtag, parseBundlePath, parseWaitSeconds } from "./conditional.ts";

test.each([
  ["/bundles/policy.tar.gz", "policy.tar.gz"],
  ["/bundles/policy.tar.gz?x=1", "policy.tar.gz"],
  ["/bundles/", ""],
  ["/bundles/../etc/passwd", "../etc/passwd"],
  ["/bundles/%2e%2e/x", "%2e%2e/x"],
  ["/bundle/policy.tar.gz", null],
  ["http://host/bundles/policy.tar.gz", null],
  ["", null],
])("name in %j is %j", (target, name) => {
  expect(parseBundlePath(target)).toBe(name);
});

test.each([
  [undefined, false],
  ['"a"', true],
  ['W/"a"', true],
  ['"b", "a"', true],
  ["*", true],
  ['"b"', false],
  ["a", false],
  ["", false],
])('If-None-Match %j matches "a": %j', (header, matches) => {
  expect(matchesEtag(header, '"a"')).toBe(matches);
});

test.each([
  [undefined, 0],
  ["wait=10", 10],
  ["modes=snapshot,delta;wait=10", 10],
  ["respond-async, wait = 5", 5],
  ['wait="7"', 7],
  ["Wait=3", 3],
  ["wait=9999", 300],
  ["wait=-1", 0],
  ["wait=x", 0],
  ["await=3", 0],
])("Prefer %j waits %j s", (header, seconds) => {
  expect(parseWaitSeconds(header)).toBe(seconds);
});
