import { expect, test } from "vitest";
import { complete } from "./complete.ts";

const commands = [
  { name: "explain", summary: "says why", options: { output: { type: "string", short: "o" } } },
  { name: "inject", summary: "writes", options: { filename: { type: "string", short: "f" } } },
] as const;

test.each([
  [[], ["explain\tsays why", "inject\twrites", ":4"]],
  [["e"], ["explain\tsays why", ":4"]],
  [
    ["explain", "--o"],
    ["--output", ":4"],
  ],
  [
    ["explain", "--"],
    ["--output", "--help", ":4"],
  ],
  [["explain", "web"], [":4"]],
  [["inject", "-f", ""], [":0"]],
  [["inject", "--filename", "we"], [":0"]],
  [["unknown", "--"], [":4"]],
])("%j", (words, lines) => {
  expect(complete(words, commands)).toBe(lines.map((line) => `${line}\n`).join(""));
});
