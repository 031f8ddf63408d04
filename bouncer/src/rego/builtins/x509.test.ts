import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Operands, type Query } from "../builtin.ts";
import { attempt } from "../crypto/attempt.ts";
import { builtins as privateKeys } from "./private-keys.ts";
import { builtins as parsing } from "./x509.ts";
import { builtins as verifying } from "./x509-verify.ts";

const query: Query = {
  now: () => 0n,
  random: (count) => new Uint8Array(count),
  answer: () => undefined,
  checkTime: () => undefined,
  memory: new Map(),
};

const der: fc.Arbitrary<Buffer> = fc.letrec<{ readonly node: Buffer }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    fc
      .tuple(
        fc.constantFrom(0x02, 0x03, 0x04, 0x05, 0x06, 0x13, 0x17, 0x82),
        fc.uint8Array({ maxLength: 6 }),
      )
      .map(([tag, bytes]) => Buffer.from([tag, bytes.length, ...bytes])),
    fc
      .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), fc.array(tie("node"), { maxLength: 5 }))
      .map(([tag, parts]) => {
        const content = Buffer.concat(parts);
        return Buffer.concat([
          Buffer.from(
            content.length < 128
              ? [tag, content.length]
              : [tag, 0x82, content.length >> 8, content.length & 0xff],
          ),
          content,
        ]);
      }),
  ),
})).node;

test.each(Object.entries({ ...parsing, ...privateKeys, ...verifying }))(
  "%s throws nothing but BuiltinError, whatever it is given",
  (_name, builtin) => {
    const text = fc.oneof(
      fc.string(),
      der.map((bytes) => bytes.toString("base64")),
      fc
        .tuple(
          fc.constantFrom(
            "CERTIFICATE",
            "CERTIFICATE REQUEST",
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
          ),
          der,
        )
        .map(
          ([type, bytes]) =>
            `-----BEGIN ${type}-----\n${bytes.toString("base64")}\n-----END ${type}-----`,
        ),
    );
    let calls = 0;
    fc.assert(
      fc.property(text, text, (first, second) => {
        attempt(() => builtin(new Operands([first, second]), query));
        calls += 1;
      }),
    );
    expect(calls).toBeGreaterThan(0);
  },
);
