import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readClientHello } from "./client-hello.ts";

function vector(size: number, ...parts: readonly (readonly number[])[]): number[] {
  const content = parts.flat();
  const length = Array.from(
    { length: size },
    (_, at) => (content.length >> (8 * (size - 1 - at))) & 0xff,
  );
  return [...length, ...content];
}

const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
const hostName = (name: string): number[] => [0, ...vector(2, ascii(name))];
const serverNames = (...names: readonly (readonly number[])[]): number[] => [
  0,
  0,
  ...vector(2, vector(2, ...names)),
];
const groups = [0, 10, 0, 4, 0, 2, 0, 29];

/** The message, with what comes behind the compression methods. */
function hello(rest: readonly number[]): number[] {
  const body = [
    3,
    3,
    ...Array.from({ length: 32 }, () => 7),
    0,
    ...vector(2, [19, 1]),
    1,
    0,
    ...rest,
  ];
  return [1, ...vector(3, body)];
}

const record = (fragment: readonly number[], type = 22): number[] => [
  type,
  3,
  1,
  ...vector(2, fragment),
];
const named = (name: string): number[] => hello(vector(2, groups, serverNames(hostName(name))));
const read = (bytes: readonly number[]) => readClientHello(Uint8Array.from(bytes));

test.each([
  ["a name", record(named("db.example")), "db.example"],
  ["a name in capitals", record(named("DB.Example")), "db.example"],
  ["no name", record(hello(vector(2, groups))), null],
  ["no extensions", record(hello([])), null],
  ["something behind the message", [...record(named("a")), 20, 3, 3, 0, 1, 1], "a"],
])("a ClientHello with %s", (_name, bytes, sni) => {
  expect(read(bytes)).toEqual({ kind: "hello", sni });
});

test.each([
  ["HTTP", ascii("GET / HTTP/1.1")],
  ["SSH", ascii("SSH-2.0-x")],
  ["a MySQL packet of 22 bytes", [22, 0, 0, 1, 133]],
  ["a MySQL packet of 790 bytes", [22, 3, 0, 1, 133, 166, 255, 1]],
  ["another record", record([2, 40], 21)],
  ["another message", record([2, 0, 0, 0])],
  ["SSL 2", [128, 46, 1, 3, 1]],
])("%s is something else", (_name, bytes) => {
  expect(read(bytes)).toEqual({ kind: "other" });
});

test.each([
  [
    "two names",
    hello(vector(2, serverNames(hostName("a"), hostName("b")))),
    "it names two servers",
  ],
  [
    "two lists of names",
    hello(vector(2, serverNames(hostName("a")), serverNames(hostName("b")))),
    "it has two lists of server names",
  ],
  ["an empty list", hello(vector(2, serverNames())), "its list of server names has none"],
  ["an empty name", named(""), "the server name is none"],
  ["a dot at the end", named("a.example."), "the server name is none"],
  ["a null byte", named("a\0.example"), "the server name is none"],
  ["a name that is too long", named("a".repeat(255)), "the server name is none"],
  ["a length that is too long", hello([0, 9, 0, 0]), "a length leads beyond its end"],
  [
    "more behind its extensions",
    hello([...vector(2, groups), 0]),
    "something follows its extensions",
  ],
])("not relied on: %s", (_name, message, why) => {
  const detail = `the ClientHello cannot be relied on: ${why}`;
  expect(read(record(message))).toEqual({ kind: "unclear", detail });
});

test.each([
  ["another record in between", [...record([1, 0]), ...record([1, 2], 21)]],
  ["an empty record", [...record([1, 0]), ...record([])]],
  ["a record that is too long", [22, 3, 1, 64, 1, 1, 0]],
])("broken: %s", (_name, bytes) => {
  expect(read(bytes)).toEqual({
    kind: "unclear",
    detail: "the ClientHello cannot be relied on: its records are broken",
  });
});

test("its length has an end", () => {
  const endless = Array.from({ length: 5 }, () =>
    record([1, 255, 255, 255, ...Array.from({ length: 16_000 }, () => 0)]),
  );
  expect(read(endless.flat())).toEqual({
    kind: "unclear",
    detail: "the ClientHello cannot be relied on: it is too long",
  });
});

test("however it is cut into records and packets, it is read the same, and not before it is whole", () => {
  const message = named("db.example");
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: message.length - 1 })),
      fc.nat(),
      (cuts, seen) => {
        const edges = [0, ...new Set(cuts.toSorted((a, b) => a - b)), message.length];
        const bytes = edges.slice(1).flatMap((edge, at) => record(message.slice(edges[at], edge)));
        expect(read(bytes)).toEqual({ kind: "hello", sni: "db.example" });
        expect(read(bytes.slice(0, seen % bytes.length))).toEqual({ kind: "more" });
      },
    ),
  );
});

test("whatever comes is read to some end", () => {
  const start = fc.constantFrom([], [22], [22, 3], [22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3]);
  fc.assert(
    fc.property(start, fc.array(fc.nat(255), { maxLength: 200 }), (head, tail) => {
      expect(["more", "other", "hello", "unclear"]).toContain(read([...head, ...tail]).kind);
    }),
  );
});
