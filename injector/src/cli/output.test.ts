import { expect, test } from "vitest";
import { formatTable, readFormat } from "./output.ts";

const rows = [
  ["webhook", { text: "ok", tone: "good" }, "one"],
  ["ca", { text: "failure", tone: "bad" }, ""],
] as const;

test("columns are aligned, and no line ends in blanks", () => {
  expect(formatTable(["CHECK", "RESULT", "DETAIL"], rows, false)).toBe(
    ["CHECK     RESULT    DETAIL", "webhook   ok        one", "ca        failure", ""].join("\n"),
  );
});

test("colours do not count as width", () => {
  const coloured = formatTable(["CHECK", "RESULT", "DETAIL"], rows, true);
  expect(coloured).toContain("webhook   \u001B[32mok\u001B[0m        one\n");
});

test("formats", () => {
  expect(readFormat({ values: {}, positionals: [] })).toBe("table");
  expect(readFormat({ values: { output: "yaml" }, positionals: [] })).toBe("yaml");
  expect(() => readFormat({ values: { output: "xml" }, positionals: [] })).toThrow(
    `--output "xml" is not one of table, json, yaml`,
  );
});
