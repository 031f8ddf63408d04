import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyValue } from "./operand.ts";

test.each([
  "cast_array",
  "cast_boolean",
  "cast_null",
  "cast_object",
  "cast_set",
  "cast_string",
  "trace",
])("%s", async (name) => {
  expect(await compareWithOpa(sampleCalls(name, fc.tuple(anyValue), 400))).toEqual([]);
});
