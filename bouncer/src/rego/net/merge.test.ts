import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mergeRanges, parseRange } from "./merge.ts";

function merge(texts: readonly string[]): readonly string[] {
  return mergeRanges(texts.map(parseRange).filter((range) => range !== null)).toSorted();
}

test.each([
  ["nothing", [], []],
  ["halves of a network", ["10.0.0.0/9", "10.128.0.0/9"], ["10.0.0.0/8"]],
  ["one inside of another", ["10.0.0.0/8", "10.1.0.0/16"], ["10.0.0.0/8"]],
  [
    "neighbours that are no network",
    ["10.0.1.0/24", "10.0.2.0/24"],
    ["10.0.1.0/24", "10.0.2.0/24"],
  ],
  ["an address, by its class", ["192.168.1.5"], ["192.168.1.5/24"]],
  [
    "the end of IPv4 and what follows",
    ["255.0.0.0/8", "::1:0:0:0/96"],
    ["255.0.0.0/8", "::1:0:0:0/96"],
  ],
  ["IPv6 with leading zeros", ["64:ff9b::/97", "64:ff9b::8000:0/97"], ["64:ff9b::/96"]],
  ["IPv4 as IPv6", ["::ffff:10.0.0.0/105", "10.128.0.0/9"], ["10.0.0.0/8"]],
])("%s", (_what, texts, merged) => {
  expect(merge(texts)).toEqual(merged.toSorted());
});

test("an IPv6 address needs a prefix", () => {
  expect(parseRange("2001:db8::1")).toBe(null);
});

test("merging again changes nothing", () => {
  const network = fc
    .tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 }), fc.integer({ min: 6, max: 32 }))
    .map(([high, low, prefix]) => `10.${high % 4}.${high}.${low}/${prefix}`);
  fc.assert(
    fc.property(fc.array(network, { maxLength: 20 }), (networks) => {
      const merged = merge(networks);
      expect(merge(merged)).toEqual(merged);
    }),
  );
});
