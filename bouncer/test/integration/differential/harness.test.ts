import { expect, test } from "vitest";
import { keyOf, type Value } from "../../../src/rego/value.ts";
import { askOpa, type BuiltinCall, createQuery, sample } from "./harness.ts";
import { anyValue } from "./operand.ts";

test("values go to opa and come back as they are", async () => {
  const values = sample(anyValue, 2000);
  const answers = await askOpa(
    values.map((value): BuiltinCall => ["array.concat", [value], ["end"]]),
  );
  const changed = values.filter(
    (value, index) => keyOf([value, "end"]) !== keyOf(answers.get(index) ?? null),
  );
  expect(changed).toEqual([]);
});

test("undefined, an error and false are told apart as opa does", async () => {
  const calls: readonly BuiltinCall[] = [
    ["startswith", "abc", "b"],
    ["startswith", "abc", null],
    ["startswith", "abc", "a"],
    ["object.get", "no object", "a", "b"],
  ];
  const expected: readonly (readonly [number, Value])[] = [
    [0, false],
    [2, true],
  ];
  expect([...(await askOpa(calls))]).toEqual(expected);
});

test("the query of the tests gives the same bytes each time, and no block twice", () => {
  const [one, other] = [createQuery().random(64), createQuery().random(64)];
  expect(one).toEqual(other);
  expect(one.slice(0, 32)).not.toEqual(one.slice(32));
});
