import { expect, test } from "vitest";
import { readPem } from "./pem.ts";

const one = "-----BEGIN A-----\nYQ==\n-----END A-----\n";

test.each([
  [one, "A a"],
  [`text\n${one}`, "A a"],
  [`text${one}`, "none"],
  [one.replaceAll("\n", "\r\n"), "A a"],
  [one.replace("END A", "END B"), "none"],
  [one.replace("YQ==", "YQ="), "none"],
  [one.replace("YQ==", "Key: value\n\nYQ=="), "A a"],
  [`-----BEGIN A-----\n-----BEGIN B-----\nYg==\n-----END B-----`, "B b"],
  ["-----BEGIN A-----\n-----END A-----", "A "],
  ["-----BEGIN A-----\nYQ==\n-----END A-----x", "none"],
])("the block in %j is %j", (text, expected) => {
  const block = readPem(text);
  expect(block === null ? "none" : `${block.type} ${block.bytes.toString()}`).toBe(expected);
});
