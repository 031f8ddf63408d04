import { expect, test } from "vitest";
import { parseKeys } from "./keys.ts";

test("keys by their ids, RS256 and no scope unless they say so", () => {
  const text = JSON.stringify({
    old: { key: "-----BEGIN PUBLIC KEY-----" },
    new: { key: "s3cret", algorithm: "HS512", scope: "write" },
  });
  expect(parseKeys(text)).toEqual([
    { keyId: "old", key: "-----BEGIN PUBLIC KEY-----", algorithm: "RS256", scope: null },
    { keyId: "new", key: "s3cret", algorithm: "HS512", scope: "write" },
  ]);
});

test.each([
  "",
  "{",
  "[]",
  "{}",
  '{"":{"key":"x"}}',
  '{"a":{"key":""}}',
  '{"a":{}}',
  '{"a":{"key":"x","algorithm":"none"}}',
  '{"a":{"key":"x","algorithm":"EdDSA"}}',
  '{"a":{"key":"x","scopes":"y"}}',
])("%s is refused", (text) => {
  expect(parseKeys(text)).toBeNull();
});
