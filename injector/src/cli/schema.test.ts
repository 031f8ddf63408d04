import { dump, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { kubernetesSchema, writingSchema } from "./schema.ts";

const read = (text: string) => loadAll(text, { schema: kubernetesSchema })[0];

/** As sigs.k8s.io/yaml 1.6.0 answered, which is what kubectl and the API server read with. */
const scalars: readonly (readonly [string, unknown])[] = [
  ["y", true],
  ["Y", true],
  ["yes", true],
  ["Yes", true],
  ["YES", true],
  ["n", false],
  ["N", false],
  ["no", false],
  ["No", false],
  ["NO", false],
  ["on", true],
  ["On", true],
  ["ON", true],
  ["oN", "oN"],
  ["off", false],
  ["OFF", false],
  ["true", true],
  ["True", true],
  ["tRUE", "tRUE"],
  ["false", false],
  ["null", null],
  ["Null", null],
  ["NULL", null],
  ["nULL", "nULL"],
  ["~", null],
  ["0644", 420],
  ["0o644", 420],
  ["0O17", 15],
  ["08", 8],
  ["09", 9],
  ["00", 0],
  ["0b11", 3],
  ["0B11", 3],
  ["-0b11", -3],
  ["0b-1", -1],
  ["0x1F", 31],
  ["0X1f", 31],
  ["+0x1F", 31],
  ["0x", "0x"],
  ["1_000", 1000],
  ["1__0", 10],
  ["1_", 1],
  ["_1", "_1"],
  ["0_7", 7],
  ["-0", 0],
  ["+5", 5],
  ["1e3", 1000],
  ["1E+3", 1000],
  ["12e03", 12000],
  ["1.e3", 1000],
  [".5", 0.5],
  [".5e3", 500],
  ["5.", 5],
  ["1.10", 1.1],
  ["-.5", -0.5],
  ["+.5", 0.5],
  ["1e", "1e"],
  ["e1", "e1"],
  ["1e400", "1e400"],
  ["1:30", "1:30"],
  ["12:30:45", "12:30:45"],
  ["2026-01-01", "2026-01-01"],
  ["2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"],
  ["=", "="],
  ["..", ".."],
  ["1.2.3", "1.2.3"],
  ["0x1G", "0x1G"],
  ["9007199254740991", 9007199254740991],
  ["18446744073709551616", 18446744073709552000],
];

describe("plain scalars are read as kubectl reads them", () => {
  test.each(scalars)("%s", (source, value) => {
    expect(JSON.stringify(read(`a: ${source}`))).toBe(JSON.stringify({ a: value }));
  });
});

describe("text stays text when it is written", () => {
  test.each(scalars)("%s", (source) => {
    expect(read(dump({ a: source, [source]: "key" }, { schema: writingSchema }))).toEqual({
      a: source,
      [source]: "key",
    });
  });
});

test("what is quoted or blocked is text", () => {
  expect(read(`[ "0644", 'yes', "1e3" ]`)).toEqual(["0644", "yes", "1e3"]);
  expect(read("a: |\n  0644\nb: >-\n  yes\n")).toEqual({ a: "0644\n", b: "yes" });
});

test("keys become text, as in JSON", () => {
  expect(read("{8080: a, 010: b, yes: c, 1.5: d}")).toEqual({
    8080: "a",
    8: "b",
    true: "c",
    1.5: "d",
  });
});

test("anchors and merge keys", () => {
  expect(read("base: &b {x: 1, z: 1}\nmore:\n  <<: *b\n  z: 2\nsame: *b")).toEqual({
    base: { x: 1, z: 1 },
    more: { x: 1, z: 2 },
    same: { x: 1, z: 1 },
  });
});
