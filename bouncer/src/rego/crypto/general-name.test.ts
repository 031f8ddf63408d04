import { expect, test } from "vitest";
import { printIp } from "./general-name.ts";

test.each([
  ["00000000000000000000000000000000", "::"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["00010000000200000003000000040000", "1:0:2:0:3:0:4:0"],
  ["00000000000000000000ffff0a000001", "10.0.0.1"],
  ["0a000001", "10.0.0.1"],
])("the address %s is %s", (hex, expected) => {
  expect(printIp(Buffer.from(hex, "hex"))).toBe(expected);
});
