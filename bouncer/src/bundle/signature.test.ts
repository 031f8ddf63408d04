import { parse } from "lossless-json";
import { expect, test } from "vitest";
import { encodeCanonically } from "./signature.ts";

test.each([
  [
    "numbers stay as written",
    '{"a": 1.50, "b": 1e3, "c": -0, "d": 123456789012345678901234567890}',
    '{"a":1.50,"b":1e3,"c":-0,"d":123456789012345678901234567890}',
  ],
  [
    "keys in the order of their bytes",
    '{"\u{1F600}":1,"\uFFFD":2,"b":3,"a":4}',
    '{"a":4,"b":3,"\uFFFD":2,"\u{1F600}":1}',
  ],
  [
    "strings as Go writes them",
    String.raw`["<&>\u2028\u2029\u0001\/\u007f\b\f"]`,
    '["<&>\\u2028\\u2029\\u0001/\u007f\\b\\f"]',
  ],
  ["half a pair is a replacement character", String.raw`["\ud800"]`, '["\uFFFD"]'],
  ["nesting", '{"b":[ {"d":null,"c":[true,false]} ]}', '{"b":[{"c":[true,false],"d":null}]}'],
])("canonical: %s", (_name, text, canonical) => {
  expect(encodeCanonically(parse(text))).toBe(canonical);
});
