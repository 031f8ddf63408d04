/** The examples of RFC 7541, appendix C. */
import { expect, test } from "vitest";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder } from "./encoder.ts";

type Pair = readonly [name: string, value: string];

interface Step {
  readonly block: string;
  readonly fields: readonly Pair[];
  /** The dynamic table afterwards, the newest field first. */
  readonly table: readonly Pair[];
  readonly tableSize: number;
}

interface Example {
  readonly name: string;
  readonly tableSize: number;
  readonly steps: readonly Step[];
}

const get: Pair = [":method", "GET"];
const http: Pair = [":scheme", "http"];
const https: Pair = [":scheme", "https"];
const root: Pair = [":path", "/"];
const authority: Pair = [":authority", "www.example.com"];
const noCache: Pair = ["cache-control", "no-cache"];
const custom: Pair = ["custom-key", "custom-value"];
const isPrivate: Pair = ["cache-control", "private"];
const firstDate: Pair = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const secondDate: Pair = ["date", "Mon, 21 Oct 2013 20:13:22 GMT"];
const location: Pair = ["location", "https://www.example.com"];
const gzip: Pair = ["content-encoding", "gzip"];
const cookie: Pair = ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"];

/** The same three lists, whatever the strings are coded in. */
function requests(name: string, blocks: readonly [string, string, string]): Example {
  const index: Pair = [":path", "/index.html"];
  const [first, second, third] = blocks;
  return {
    name,
    tableSize: 4096,
    steps: [
      { block: first, fields: [get, http, root, authority], table: [authority], tableSize: 57 },
      {
        block: second,
        fields: [get, http, root, authority, noCache],
        table: [noCache, authority],
        tableSize: 110,
      },
      {
        block: third,
        fields: [get, https, index, authority, custom],
        table: [custom, noCache, authority],
        tableSize: 164,
      },
    ],
  };
}

function responses(name: string, blocks: readonly [string, string, string]): Example {
  const [first, second, third] = blocks;
  const found: Pair = [":status", "302"];
  const redirected: Pair = [":status", "307"];
  return {
    name,
    tableSize: 256,
    steps: [
      {
        block: first,
        fields: [found, isPrivate, firstDate, location],
        table: [location, firstDate, isPrivate, found],
        tableSize: 222,
      },
      {
        block: second,
        fields: [redirected, isPrivate, firstDate, location],
        table: [redirected, location, firstDate, isPrivate],
        tableSize: 222,
      },
      {
        block: third,
        fields: [[":status", "200"], isPrivate, secondDate, location, gzip, cookie],
        table: [cookie, gzip, secondDate],
        tableSize: 215,
      },
    ],
  };
}

function single(name: string, block: string, fields: readonly Pair[], isKept: boolean): Example {
  const table = isKept ? fields : [];
  return { name, tableSize: 4096, steps: [{ block, fields, table, tableSize: sizeOf(table) }] };
}

const coded: readonly Example[] = [
  requests("C.4, requests in Huffman's code", [
    "82 86 84 41 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff",
    "82 86 84 be 58 86 a8eb 1064 9cbf",
    "82 87 85 bf 40 88 25a8 49e9 5ba9 7d7f 89 25a8 49e9 5bb8 e8b4 bf",
  ]),
  responses("C.6, responses in Huffman's code", [
    "48 82 6402 58 85 aec3 771a 4b 61 96 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff" +
      "6e 91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3",
    "48 83 640e ff c1 c0 bf",
    "88 c1 61 96 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c0 5a 83 9bd9 ab" +
      "77 ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587" +
      "3160 65c0 03ed 4ee5 b106 3d50 07",
  ]),
];

const examples: readonly Example[] = [
  single(
    "C.2.1, literal with indexing",
    "40 0a 6375 7374 6f6d 2d6b 6579 0d 6375 7374 6f6d 2d68 6561 6465 72",
    [["custom-key", "custom-header"]],
    true,
  ),
  single(
    "C.2.2, literal without indexing",
    "04 0c 2f73 616d 706c 652f 7061 7468",
    [[":path", "/sample/path"]],
    false,
  ),
  single(
    "C.2.3, literal never indexed",
    "10 08 7061 7373 776f 7264 06 7365 6372 6574",
    [["password", "secret"]],
    false,
  ),
  single("C.2.4, indexed", "82", [get], false),
  requests("C.3, requests", [
    "82 86 84 41 0f 7777 772e 6578 616d 706c 652e 636f 6d",
    "82 86 84 be 58 08 6e6f 2d63 6163 6865",
    "82 87 85 bf 40 0a 6375 7374 6f6d 2d6b 6579 0c 6375 7374 6f6d 2d76 616c 7565",
  ]),
  responses("C.5, responses", [
    "48 03 3330 32 58 07 7072 6976 6174 65 61 1d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032" +
      "303a 3133 3a32 3120 474d 54 6e 17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d",
    "48 03 3330 37 c1 c0 bf",
    "88 c1 61 1d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54 c0" +
      "5a 04 677a 6970 77 38 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745" +
      "4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
  ]),
  ...coded,
];

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function sizeOf(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
}

function decodeAll(decoder: HpackDecoder, block: Buffer): Pair[] {
  const fields: Pair[] = [];
  const decoded = decoder.decode(block, ({ name, value }) => fields.push([name, value]));
  expect(decoded).toEqual({ kind: "list", size: sizeOf(fields) });
  return fields;
}

/** `256` as a change of the table's size; for 4096 nothing needs to be said. */
function sizeUpdate(tableSize: number): Buffer {
  return tableSize === 4096 ? Buffer.alloc(0) : bytes("3f e1 01");
}

test.each(examples)("decodes $name", ({ tableSize, steps }) => {
  const decoder = new HpackDecoder({ maxTableSize: 4096, maxListSize: 1e6, check: () => null });
  let prefix = sizeUpdate(tableSize);
  for (const step of steps) {
    const fields = decodeAll(decoder, Buffer.concat([prefix, bytes(step.block)]));
    expect(fields).toEqual(step.fields);
    prefix = Buffer.alloc(0);
    const everyIndex = Buffer.from(step.table.map((_, at) => 0x80 | (62 + at)));
    expect(decodeAll(decoder, everyIndex)).toEqual(step.table);
    const oneMore = Buffer.from([0x80 | (62 + step.table.length)]);
    expect(decoder.decode(oneMore, () => null).kind).toBe("malformed");
    expect(sizeOf(step.table)).toBe(step.tableSize);
  }
});

test("tells what is never to be indexed", () => {
  const decoder = new HpackDecoder({ maxTableSize: 4096, maxListSize: 1e6, check: () => null });
  const seen: boolean[] = [];
  const block =
    "10 08 7061 7373 776f 7264 06 7365 6372 6574 04 0c 2f73 616d 706c 652f 7061 7468 82";
  decoder.decode(bytes(block), ({ isSensitive }) => seen.push(isSensitive));
  expect(seen).toEqual([true, false, false]);
});

test.each(coded)("encodes $name", ({ tableSize, steps }) => {
  const encoder = new HpackEncoder({ maxTableSize: 4096, decide: () => "index" });
  encoder.limitTable(tableSize);
  let prefix = sizeUpdate(tableSize);
  for (const step of steps) {
    encoder.begin();
    for (const [name, value] of step.fields) encoder.field(name, value, false);
    const expected = Buffer.concat([prefix, bytes(step.block)]);
    expect(encoder.end().toString("hex")).toBe(expected.toString("hex"));
    prefix = Buffer.alloc(0);
  }
});
