import { expect, test } from "vitest";
import { Operands, type Query } from "../builtin.ts";
import type { Value } from "../value.ts";
import { builtins } from "./hash.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

function call(name: string, ...operands: readonly Value[]): Value | undefined {
  return builtins[name]?.(new Operands(operands), query);
}

// The digests are those of RFC 1321, RFC 3174, FIPS 180-2, RFC 2202 and RFC 4231.
test.each([
  ["crypto.md5", ["abc"], "900150983cd24fb0d6963f7d28e17f72"],
  ["crypto.sha1", ["abc"], "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["crypto.sha256", ["abc"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["crypto.hmac.md5", ["what do ya want for nothing?", "Jefe"], "750c783e6ab0b503eaa86e310a5db738"],
  [
    "crypto.hmac.sha1",
    ["what do ya want for nothing?", "Jefe"],
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
  ],
  [
    "crypto.hmac.sha256",
    ["what do ya want for nothing?", "Jefe"],
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  ["crypto.hmac.equal", ["\u00e9", "\u00e9"], true],
  ["crypto.hmac.equal", ["\u00e9", "e"], false],
  ["crypto.hmac.equal", ["", ""], true],
  ["crypto.hmac.md5", ["", ""], "74e6f7298a9c2d168935f58c001bad88"],
] as const)("%s of %j is %j", (name, operands, expected) => {
  expect(call(name, ...operands)).toBe(expected);
});

test.each(Object.keys(builtins))("%s takes strings only", (name) => {
  expect(() => call(name, null, "")).toThrow("operand 1 must be string but got null");
});
