import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyString, mostly } from "./operand.ts";

const text = mostly(anyString);

test.each(["crypto.md5", "crypto.sha1", "crypto.sha256"])("%s", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(text), 500))).toEqual([]);
});

test.each(["crypto.hmac.md5", "crypto.hmac.sha1", "crypto.hmac.sha256", "crypto.hmac.sha512"])(
  "%s",
  async (name) => {
    expect(await compareWithOpa(sampleCalls(name, fc.tuple(text, text), 500))).toEqual([]);
  },
);

test("crypto.hmac.equal", async () => {
  const pair = fc.oneof(
    fc.tuple(text, text),
    text.map((mac) => [mac, mac] as const),
  );
  expect(await compareWithOpa(sampleCalls("crypto.hmac.equal", pair, 500))).toEqual([]);
});
