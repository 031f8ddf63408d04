import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Document, readDocuments, rewriteDocument } from "./documents.ts";

function read(text: string): readonly Document[] {
  const result = readDocuments(text);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.documents;
}

describe("documents are told apart, and together are the file", () => {
  test.each<readonly [string, string, unknown[]]>([
    ["one", "a: 1\n", [{ a: 1 }]],
    ["nothing", "", []],
    ["no line end at the end", "a: 1", [{ a: 1 }]],
    ["several", "a: 1\n---\nb: 2\n---\nc: 3", [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ["a marker first", "---\na: 1\n", [{ a: 1 }]],
    ["empty ones", "---\n---\n# c\n---\na: 1\n---\n", [null, null, { a: 1 }, null]],
    ["comments between", "# x\n---\n# y\na: 1\n# z\n--- # w\nb: 2", [null, { a: 1 }, { b: 2 }]],
    ["content on the marker", "--- {a: 1}\n--- text\n", [{ a: 1 }, "text"]],
    ["an end marker", "a: 1\n...\n---\nb: 2\n...\n", [{ a: 1 }, { b: 2 }]],
    ["directives", "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n# c\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["a marker inside text", `a: |\n  ---\nb: "---"\n`, [{ a: "---\n", b: "---" }]],
    ["not quite a marker", "a: 1\n----: 2\n", [{ a: 1, "----": 2 }]],
    ["CRLF", "a: 1\r\n---\r\nb: |\r\n  x\r\n  y\r\n", [{ a: 1 }, { b: "x\ny\n" }]],
    ["a byte order mark", "\uFEFFa: 1\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["a byte order mark and a marker", "\uFEFF---\na: 1\n", [{ a: 1 }]],
    ["a byte order mark and a directive", "\uFEFF%YAML 1.2\n---\na: 1\n", [{ a: 1 }]],
    ["JSON", `{"a": 1}\n`, [{ a: 1 }]],
  ])("%s", (_, text, values) => {
    const documents = read(text);
    expect(documents.map(({ value }) => value)).toEqual(values);
    expect(documents.map((document) => document.text).join("")).toBe(text);
  });
});

describe("what cannot be read is named with its document and line", () => {
  test.each([
    ["a tab", "a: 1\n---\nb:\n\tc: 1\n", "document 2, line 4: "],
    ["a key twice", "a: 1\nb: 2\na: 3\n", "document 1, line 3: duplicated mapping key"],
    ["an unknown anchor", "a: *b\n", "document 1, line 1: "],
    ["an open bracket", "a: [1\n---\nb: 1\n", "document 1, line "],
    ["an unknown tag", "a: !ref b\n", "document 1, line 1: "],
    ["old line ends", "a: 1\r---\rb: 2\r", "document 1, line 1: line breaks must be"],
  ])("%s", (_, text, problem) => {
    const result = readDocuments(text);
    expect(result.ok ? "" : result.problems.join("\n")).toContain(problem);
  });

  test("every one of them", () => {
    const result = readDocuments("a: [\n---\nb: 1\n---\nc: ]\n");
    expect(result.ok ? [] : result.problems).toHaveLength(2);
  });
});

function rewrite(text: string, value: unknown): string {
  const [document] = read(text).filter((one) => one.value !== null);
  const written = document === undefined ? null : rewriteDocument(document, value);
  if (written?.ok !== true) throw new Error(written?.problem);
  return written.text;
}

describe("a changed document", () => {
  test.each([
    ["comments above it stay", "# x\n\n---\n# y\n\na: 1 # z\n", "---\n# y\n\nb: 2\n"],
    ["without a marker", "# x\na: 1\n", "# x\nb: 2\n"],
    ["content on the marker", "--- {a: 1}\n", "---\nb: 2\n"],
    ["an end marker", "a: 1\n...\n", "b: 2\n...\n"],
    ["directives", "%YAML 1.2\n---\na: 1\n", "%YAML 1.2\n---\nb: 2\n"],
    ["CRLF", "# x\r\na: 1\r\n", "# x\r\nb: 2\r\n"],
    ["a byte order mark", "\uFEFFa: 1\n", "\uFEFFb: 2\n"],
    ["JSON on one line", `{"a":1}\n`, `{"b":2}\n`],
    ["JSON on several", `\n{\n    "a": 1\n}`, `\n{\n    "b": 2\n}`],
    ["JSON with tabs and CRLF", `{\r\n\t"a": 1\r\n}\r\n`, `{\r\n\t"b": 2\r\n}\r\n`],
    ["YAML in brackets", "{a: 1}\n", "b: 2\n"],
  ])("%s", (_, text, expected) => {
    expect(rewrite(text, { b: 2 })).toBe(expected);
  });

  test("aliases are written out", () => {
    const shared = { x: 1 };
    expect(rewrite("a: 1", { one: shared, two: shared })).toBe("one:\n  x: 1\ntwo:\n  x: 1\n");
  });

  test.each([2 ** 53, -(2 ** 53), 1e21, Number.NaN, Number.POSITIVE_INFINITY])(
    "the number %d is refused",
    (number) => {
      const result = rewriteDocument({ text: "a: 1\n", value: { a: 1 } }, { a: [number] });
      expect(result).toMatchObject({ ok: false });
    },
  );

  test("whatever is written is read back the same", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.stringMatching(/^[0-9xXoObBeE_.+:-]{1,8}$/),
      fc.constantFrom("", " x ", "- x", "# x", "a: b", "---", "...", "a\n\nb\n", "\ttab", "'", `"`),
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        text,
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom(0.5, 1.25, -2.5),
        fc.array(tie("node")),
        fc.dictionary(text, tie("node"), { noNullPrototype: true }),
      ),
    })).node;
    const anything = fc.dictionary(text, value, { noNullPrototype: true });
    const sources = fc.constantFrom("a: 1\n", `{"a": 1}`, "a: 1\r\n", "\uFEFF--- # x\na: 1");
    const property = fc.property(anything, sources, (wanted, source) => {
      const written = rewriteDocument({ text: source, value: null }, wanted);
      expect(written.ok ? read(written.text).map((one) => one.value) : written).toEqual([wanted]);
    });
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow();
  });
});
