import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder } from "./encoder.ts";
import { createIndexing, type DecideIndexing } from "./indexing.ts";

type Pair = readonly [name: string, value: string];

function create(decide: DecideIndexing = createIndexing()): HpackEncoder {
  return new HpackEncoder({ maxTableSize: 4096, decide });
}

function encode(encoder: HpackEncoder, ...fields: readonly Pair[]): string {
  encoder.begin();
  for (const [name, value] of fields) encoder.field(name, value, false);
  return encoder.end().toString("hex");
}

test("what comes again is put into the table, and then is one byte", () => {
  const encoder = create();
  expect(encode(encoder, ["x-a", "value"])).toBe("0003782d610576616c7565");
  // Now that it is worth it, in Huffman's code.
  expect(encode(encoder, ["x-a", "value"])).toBe("4083f2b0ff84ee3a2d2f");
  expect(encode(encoder, ["x-a", "value"])).toBe("be");
  // The name alone is of use, too.
  expect(encode(encoder, ["x-a", "other"]).slice(0, 4)).toBe("0f2f");
});

test("what is different each time never is", () => {
  const encoder = create();
  encode(encoder, ["x-a", "value"]);
  encode(encoder, ["x-a", "value"]);
  for (let id = 0; id < 1000; id += 1) encode(encoder, ["x-id", `id-${id}`], [":path", `/${id}`]);
  expect(encode(encoder, ["x-a", "value"])).toBe("be");
});

test.each<{ name: string; field: Pair; first: string }>([
  { name: "authorization", field: ["authorization", "Bearer 0123456789abcdef"], first: "1f08" },
  { name: "proxy-authorization", field: ["proxy-authorization", "Basic eDp5"], first: "1f22" },
  { name: "short cookie", field: ["cookie", "a=b"], first: "1f11" },
  { name: "short set-cookie", field: ["set-cookie", "a=b"], first: "1f28" },
])("never put into a table: $name", ({ field, first }) => {
  const encoder = create();
  for (let time = 0; time < 3; time += 1) {
    expect(encode(encoder, field).slice(0, 4)).toBe(first);
  }
});

test("long cookies are as good as anything else", () => {
  const encoder = create();
  const field: Pair = ["cookie", "session=0123456789abcdef0123456789abcdef"];
  encode(encoder, field);
  encode(encoder, field);
  expect(encode(encoder, field)).toBe("be");
});

test("what its sender wants in no table is in none, even if an equal one is in ours", () => {
  const encoder = create(() => "index");
  encode(encoder, ["x-a", "value"]);
  encoder.begin();
  encoder.field("x-a", "value", true);
  encoder.field(":method", "GET", true);
  expect(encoder.end().toString("hex")).toBe("1f2f0576616c75651203474554");
});

test("fields larger than half of the table are not put into it", () => {
  const encoder = create(() => "index");
  encode(encoder, ["x-a", "value"]);
  encode(encoder, ["x-b", "b".repeat(2100)]);
  expect(encode(encoder, ["x-a", "value"])).toBe("be");
});

test("tells of the smallest size of the table and of the last", () => {
  const encoder = create(() => "index");
  encoder.limitTable(4096);
  expect(encode(encoder, [":method", "GET"])).toBe("82");
  encoder.limitTable(100);
  encoder.limitTable(0);
  encoder.limitTable(200);
  encoder.limitTable(150);
  expect(encode(encoder, [":method", "GET"])).toBe("203f7782");
  expect(encode(encoder, [":method", "GET"])).toBe("82");
  // More than we want to remember.
  encoder.limitTable(1_000_000);
  expect(encode(encoder)).toBe("3fe11f");
});

test.each([
  { name: "are no bytes become question marks", value: "\u{10d}\u{10a}a", hex: "3f3f61" },
  { name: "are halves of others become question marks", value: "\ud83d\u{1f600}", hex: "3f3f3f" },
  { name: "are not ASCII are one byte each", value: "\u{e4}\x80\xff\0a", hex: "e480ff0061" },
])("characters that $name", ({ value, hex }) => {
  const length = (hex.length / 2).toString(16).padStart(2, "0");
  expect(encode(create(), ["via", value])).toBe(`0f2d${length}${hex}`);
  expect(encode(create(), ["via", value.repeat(1000)]).endsWith(hex.repeat(1000))).toBe(true);
});

const name = fc.constantFrom(
  ":path",
  "x-a",
  "x-b",
  "cookie",
  "authorization",
  "date",
  "via",
  "long-name",
);
const value = fc.oneof(
  fc.constantFrom("", "a", "value", "another value", "z".repeat(300)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);
const step = fc.record({
  /** What the peer says before the block. */
  limits: fc.array(fc.constantFrom(0, 40, 64, 100, 500, 4096, 65_536), { maxLength: 3 }),
  fields: fc.array(fc.tuple(name, value, fc.boolean()), { maxLength: 12 }),
});
const decide = fc.constantFrom<DecideIndexing>(
  () => "index",
  () => "literal",
  createIndexing(),
);

test("what is encoded decodes to the same, whatever the table's size is and becomes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), decide, (steps, decideIndexing) => {
      const encoder = create(decideIndexing);
      const decoder = new HpackDecoder({
        maxTableSize: 65_536,
        maxListSize: 1e6,
        check: () => null,
      });
      for (const { limits, fields } of steps) {
        for (const limit of limits) {
          encoder.limitTable(limit);
          decoder.limitTable(limit);
        }
        encoder.begin();
        for (const [fieldName, fieldValue, isSensitive] of fields) {
          encoder.field(fieldName, fieldValue, isSensitive);
        }
        const decoded: [string, string][] = [];
        const sensitive: boolean[] = [];
        const outcome = decoder.decode(Buffer.from(encoder.end()), (field) => {
          decoded.push([field.name, field.value]);
          sensitive.push(field.isSensitive);
        });
        expect(outcome.kind).toBe("list");
        expect(decoded).toEqual(fields.map(([fieldName, fieldValue]) => [fieldName, fieldValue]));
        const isKept = fields.every(
          ([, , isSensitive], at) => !isSensitive || sensitive[at] === true,
        );
        expect(isKept).toBe(true);
      }
    }),
  );
});
