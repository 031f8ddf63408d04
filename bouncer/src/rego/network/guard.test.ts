import { BlockList } from "node:net";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createGuard } from "./guard.ts";

const anywhere = { host: "any.example", port: 80 };
const metadata = { address: "169.254.0.0", prefix: 16, family: "ipv4" } as const;

const group = (high: number, low: number): string => (high * 256 + low).toString(16);

test("an IPv4 address that is denied is denied in every form that IPv6 has for it", () => {
  const guard = createGuard({ allow: null, deny: [metadata] });
  const list = new BlockList();
  list.addSubnet(metadata.address, metadata.prefix, metadata.family);
  const byte = fc.integer({ min: 0, max: 255 });
  const first = fc.constantFrom([169, 254], [169, 253], [10, 0], [254, 169]);
  fc.assert(
    fc.property(first, byte, byte, ([a = 0, b = 0], c, d) => {
      const dotted = [a, b, c, d].join(".");
      const inverted = [a, b, c, d].map((one) => 255 - one);
      const [e = 0, f = 0, g = 0, h = 0] = inverted;
      const forms = [
        dotted,
        `::ffff:${dotted}`,
        `0:0:0:0:0:FFFF:${group(a, b)}:${group(c, d)}`,
        `::${dotted}`,
        `64:ff9b::${dotted}`,
        `2002:${group(a, b)}:${group(c, d)}::1`,
        `2001:0:1:2:3:4:${group(e, f)}:${group(g, h)}`,
      ];
      const permitted = forms.map((form) => guard.permits(anywhere, form));
      expect(permitted).toEqual(forms.map(() => !list.check(dotted, "ipv4")));
    }),
  );
});

test("what is no address is not permitted", () => {
  const guard = createGuard({ allow: null, deny: [] });
  for (const text of ["", "any.example", "1.2.3", "::g", "127.1"]) {
    expect(guard.permits(anywhere, text)).toBe(false);
  }
  expect(guard.permits(anywhere, "fe80::1%eth0")).toBe(true);
  expect(guard.permits(anywhere, "::1")).toBe(true);
});
