import { expect, test } from "vitest";
import { toSource } from "./source.ts";

test.each([
  ["10.1.2.3", 32, "ipv4", "10.1.2.3/32"],
  ["10.1.2.3", 8, "ipv4", "10.0.0.0/8"],
  ["192.168.255.255", 17, "ipv4", "192.168.128.0/17"],
  ["0.0.0.0", 0, "ipv4", "0.0.0.0/0"],
  ["2001:DB8:0:0:1:0:0:1", 128, "ipv6", "2001:db8::1:0:0:1/128"],
  ["2001:db8::ffff", 113, "ipv6", "2001:db8::8000/113"],
  ["fd12:3456::1", 7, "ipv6", "fc00::/7"],
  ["::1", 128, "ipv6", "::1/128"],
  ["::", 0, "ipv6", "::/0"],
  ["1:0:3:4:5:6:7:8", 128, "ipv6", "1:0:3:4:5:6:7:8/128"],
  ["::1.2.3.4", 128, "ipv6", "::1.2.3.4/128"],
  ["64:ff9b::192.0.2.1", 96, "ipv6", "64:ff9b::/96"],
] as const)("%s/%i", (address, prefix, family, block) => {
  expect(toSource({ address, prefix, family })).toEqual({ family, block });
});

test("an IPv4 peer by its name in IPv6 programs is an IPv4 peer", () => {
  expect(toSource({ address: "::ffff:10.1.2.3", prefix: 104, family: "ipv6" })).toEqual({
    family: "ipv4",
    block: "10.0.0.0/8",
  });
});
