import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseAddress, parseNetwork, printAddress, printNetwork } from "./address.ts";

test.each([
  ["1.2.3.4", "1.2.3.4"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["::", "::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
])("%s is %s", (text, printed) => {
  const address = parseAddress(text);
  expect(address === null ? null : printAddress(address)).toBe(printed);
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.256",
  "1.2.3.4%eth0",
  "fe80::1%eth0",
  "1:2:3:4:5:6:7:8::",
  "1::2::3",
  ":::",
  ":1",
  "1:",
  "12345::",
  "1.2.3.4::",
  "::1.2.3.4:5",
])("%j is no address", (text) => {
  expect(parseAddress(text)).toBe(null);
});

test.each([
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["10.1.2.3/032", "10.1.2.3/32"],
  ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["::ffff:10.1.2.3/80", "::/80"],
  ["2001:db8::1/32", "2001:db8::/32"],
])("%s is %s", (text, printed) => {
  const network = parseNetwork(text);
  expect(network === null ? null : printNetwork(network)).toBe(printed);
});

test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "/8"])(
  "%j is no network",
  (text) => {
    expect(parseNetwork(text)).toBe(null);
  },
);

test("what is printed is read as the same address", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (address) => {
      expect(parseAddress(printAddress(address))).toBe(address);
    }),
  );
});
