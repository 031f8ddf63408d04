import { expect, test } from "vitest";
import { parseTerm } from "../term.ts";
import { keyOfCall } from "./call-key.ts";

const key = (text: string, name = "http.send"): string =>
  keyOfCall({ name, operands: [parseTerm(text)] });

test.each<readonly [one: string, other: string, isSame: boolean]>([
  ['{"url":"a","method":"GET"}', '{"method":"GET","url":"a"}', true],
  ['{"url":"a"}', '{"url":"b"}', false],
  ['{"url":"a","timeout":1}', '{"url":"a","timeout":1.0}', true],
  ['{"url":"a"}', '{"url":"a","cache_ignored_headers":["b"]}', true],
  [
    '{"headers":{"a":"1","b":"1"},"cache_ignored_headers":["b"]}',
    '{"headers":{"a":"1","b":"2"},"cache_ignored_headers":["b"]}',
    true,
  ],
  ['{"headers":{"a":"1","b":"1"},"cache_ignored_headers":["b"]}', '{"headers":{"a":"1"}}', true],
  [
    '{"headers":{"a":"1","b":"1"},"cache_ignored_headers":["b"]}',
    '{"headers":{"a":"2","b":"1"},"cache_ignored_headers":["b"]}',
    false,
  ],
  [
    '{"headers":{"a":"1","B":"1"},"cache_ignored_headers":["b"]}',
    '{"headers":{"a":"1","B":"2"},"cache_ignored_headers":["b"]}',
    false,
  ],
  ['{"headers":{"b":"1"},"cache_ignored_headers":1}', '{"headers":{"b":"2"}}', false],
])("%s and %s are one call: %s", (one, other, isSame) => {
  expect(key(one) === key(other)).toBe(isSame);
});

test("names of hosts are calls of their own", () => {
  expect(key('"a.example"', "net.lookup_ip_addr")).not.toBe(key('"a.example"'));
});
