import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Decoded, HpackDecoder } from "./decoder.ts";
import type { Field } from "./field.ts";

function create(options: { maxTableSize?: number; maxListSize?: number } = {}): HpackDecoder {
  return new HpackDecoder({
    maxTableSize: 4096,
    maxListSize: 65_536,
    check: () => null,
    ...options,
  });
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function decode(decoder: HpackDecoder, hex: string): { decoded: Decoded; fields: Field[] } {
  const fields: Field[] = [];
  const decoded = decoder.decode(bytes(hex), (field) => fields.push(field));
  return { decoded, fields };
}

test.each([
  { name: "index 0", hex: "80", detail: "no field has the index 0" },
  { name: "an index behind both tables", hex: "be", detail: "no field has the index 62" },
  {
    name: "the name of an index behind both tables",
    hex: "7e 0161",
    detail: "no field has the index 62",
  },
  { name: "an index that is cut off", hex: "ff", detail: "the block ends within a number" },
  {
    name: "an index that goes on and on",
    hex: "ff 80 80 80 80 80 01",
    detail: "a number is too large, or too long",
  },
  {
    name: "an index of zeros",
    hex: "ff 80 80 80 80 00",
    detail: "a number is too large, or too long",
  },
  {
    name: "an index beyond 2^32",
    hex: "ff ff ff ff ff 7f",
    detail: "a number is too large, or too long",
  },
  { name: "a length beyond the block", hex: "00 05 61", detail: "the block ends within a string" },
  {
    name: "a length far beyond the block",
    hex: "00 7f ff ff ff 07",
    detail: "the block ends within a string",
  },
  { name: "no name", hex: "00", detail: "the block ends before a string" },
  { name: "no value", hex: "00 01 61", detail: "the block ends before a string" },
  {
    name: "a name in broken code",
    hex: "40 81 ff 01 61",
    detail: "a string in Huffman's code is broken",
  },
  {
    name: "a size behind a field",
    hex: "82 20",
    detail: "a change of the size of the table behind a field",
  },
  {
    name: "a size beyond the limit",
    hex: "3f e2 1f",
    detail: "a table of 4097 bytes, at most 4096 are accepted",
  },
  { name: "a size that is cut off", hex: "3f", detail: "the block ends within a number" },
  { name: "three sizes", hex: "20 20 20", detail: "more than 2 changes of the size of the table" },
])("malformed: $name", ({ hex, detail }) => {
  expect(decode(create(), hex).decoded).toEqual({ kind: "malformed", detail });
});

test("an empty block is an empty list", () => {
  expect(decode(create(), "").decoded).toEqual({ kind: "list", size: 0 });
});

test("two sizes are what an encoder may send that went down and up between blocks", () => {
  const decoder = create();
  expect(decode(decoder, "40 0161 0162").decoded.kind).toBe("list");
  expect(decode(decoder, "20 3f e1 1f 82").decoded.kind).toBe("list");
  expect(decode(decoder, "be").decoded.kind).toBe("malformed");
});

test("a field larger than the table leaves it empty", () => {
  const decoder = create();
  decode(decoder, "3f 09 40 0161 0162");
  expect(decode(decoder, "be").decoded.kind).toBe("list");
  expect(decode(decoder, "40 0461616161 056262626262").decoded.kind).toBe("list");
  expect(decode(decoder, "be").decoded.kind).toBe("malformed");
});

test("the peer must make its table smaller once it has acknowledged that", () => {
  const silent = create();
  silent.limitTable(100);
  expect(decode(silent, "82").decoded).toEqual({
    kind: "malformed",
    detail: "the table was not made smaller, to 100 bytes",
  });
  const obedient = create();
  obedient.limitTable(100);
  expect(decode(obedient, "3f 45 82").decoded.kind).toBe("list");
  expect(decode(obedient, "82").decoded.kind).toBe("list");
  expect(decode(obedient, "3f 46 82").decoded.kind).toBe("malformed");
});

test("of two limits the smaller must have been observed", () => {
  const decoder = create();
  decoder.limitTable(0);
  decoder.limitTable(4096);
  expect(decode(decoder, "3f e1 1f 82").decoded.kind).toBe("malformed");
  const other = create();
  other.limitTable(0);
  other.limitTable(4096);
  expect(decode(other, "20 3f e1 1f 82").decoded.kind).toBe("list");
});

test("before the peer knows of a smaller table it uses one of 4096 bytes", () => {
  const decoder = create({ maxTableSize: 0 });
  expect(decode(decoder, "40 0161 0162 be").fields.map(({ name }) => name)).toEqual(["a", "a"]);
});

test("what exceeds the limit is not handed out, but remembered", () => {
  const decoder = create({ maxListSize: 70 });
  const { decoded, fields } = decode(decoder, "40 0161 0162 40 0163 0164 40 0165 0166");
  expect(decoded).toEqual({ kind: "oversized", size: 102 });
  expect(fields.map(({ name }) => name)).toEqual(["a", "c"]);
  expect(decode(decoder, "be").fields.map(({ name }) => name)).toEqual(["e"]);
});

test("one byte for each reference to a large field does not make a large list", () => {
  const decoder = create({ maxListSize: 16_384 });
  const literal = `40 0161 7f e1 1d ${"62".repeat(3936)}`;
  expect(decode(decoder, literal).decoded.kind).toBe("list");
  let count = 0;
  const bomb = Buffer.alloc(16_384, 0xbe);
  const decoded = decoder.decode(bomb, () => {
    count += 1;
  });
  expect(decoded).toEqual({ kind: "oversized", size: 16_384 * (3936 + 33) });
  expect(count).toBe(4);
});

test("a field is checked when it is made, not when it is referred to", () => {
  const asked: string[] = [];
  const decoder = new HpackDecoder({
    maxTableSize: 4096,
    maxListSize: 65_536,
    check: (name, value) => {
      asked.push(`${name}: ${value}`);
      return value === "bad" ? "it is bad" : null;
    },
  });
  const faults: (string | null)[] = [];
  decoder.decode(bytes("82 40 0161 03 626164 be be 41 0178"), ({ fault }) => faults.push(fault));
  expect(faults).toEqual([null, "it is bad", "it is bad", "it is bad", null]);
  expect(asked).toEqual(["a: bad", ":authority: x"]);
});

/** Mostly in order: what a mutation breaks is then deep within. */
const representation = fc.oneof(
  fc.integer({ min: 0x80, max: 0xff }).map((byte) => [byte]),
  fc.integer({ min: 1, max: 61 }).map((index) => [0x40 | index, 2, 0x61, 0x62]),
  fc
    .tuple(fc.constantFrom(0, 0x10, 0x40), fc.uint8Array({ maxLength: 20 }))
    .map(([bits, text]) => [bits, 1, 0x61, text.length, ...text]),
  fc.constantFrom([0x20], [0x3f, 0xe1, 0x1f], [0x2a]),
  fc.uint8Array({ maxLength: 4 }).map((random) => [...random]),
);
const anyBlock = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(representation, { maxLength: 30 }).map((parts) => Uint8Array.from(parts.flat())),
);

/** Whether the outcome is in accord with what was handed out. */
function isTrue(decoded: Decoded, size: number, maxListSize: number): boolean {
  if (decoded.kind === "malformed") return decoded.detail !== "";
  return decoded.kind === "list" ? decoded.size === size : decoded.size > maxListSize;
}

test("whatever comes, the decoder stays within its bounds and never throws", () => {
  fc.assert(
    fc.property(fc.array(anyBlock, { maxLength: 6 }), fc.nat(2000), (blocks, maxListSize) => {
      const decoder = create({ maxListSize });
      for (const block of blocks) {
        let size = 0;
        const decoded = decoder.decode(Buffer.from(block), (field) => {
          size += field.name.length + field.value.length + 32;
          expect(field.size).toBe(field.name.length + field.value.length + 32);
        });
        expect(size).toBeLessThanOrEqual(maxListSize);
        expect(isTrue(decoded, size, maxListSize)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
