import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegoNumber } from "../../../src/rego/number.ts";
import { RegoObject, RegoSet, type Value } from "../../../src/rego/value.ts";
import { compareWithOpa, sampleCalls } from "./harness.ts";
import { anyValue, mostly } from "./operand.ts";

const small = fc.integer({ min: -1, max: 4 }).map((value): Value => RegoNumber.of(value));

/** Keys and members so few that paths meet them, and operands each other. */
const key = fc.oneof(
  fc.constantFrom<Value>("a", "b", "0", "1", "-", "+1", "01", "a/b", "~"),
  small,
);

/** Documents of few kinds of members; sets only when asked for. */
function documents(hasSets: boolean): fc.Arbitrary<Value> {
  return fc.letrec<{ readonly value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.oneof(fc.constantFrom<Value>(null, true, "a", "b"), small),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((all) => new RegoObject(all)),
      ...(hasSets ? [fc.array(tie("value"), { maxLength: 4 }).map((all) => new RegoSet(all))] : []),
    ),
  })).value;
}

/** Never the root: OPA 1.22 crashes when the whole document is removed. */
const path = fc.oneof(
  fc.array(key, { minLength: 1, maxLength: 3 }),
  fc.constantFrom<Value>("/a", "/0", "/1", "/-", "a/0", "/0/0", "//b", "/a/b", "/a~1b", "/~0"),
);

const kinds = ["add", "remove", "replace", "copy", "test"] as const;

function operations(member: fc.Arbitrary<Value>, ...more: readonly string[]): fc.Arbitrary<Value> {
  return fc
    .tuple(fc.constantFrom<string>(...kinds, ...more), path, path, member)
    .map(([op, to, from, value]) => RegoObject.of({ op, path: to, from, value }));
}

test("json.patch: several operations", async () => {
  const values = documents(false);
  const patch = fc.array(operations(values, "move"), { maxLength: 4 });
  expect(await compareWithOpa(sampleCalls("json.patch", fc.tuple(values, patch), 4000))).toEqual(
    [],
  );
});

/** One at a time: OPA 1.22 crashes when a member of a set is looked for after it was removed. */
test("json.patch: sets", async () => {
  const values = documents(true);
  const patch = fc
    .tuple(values, operations(values), path)
    .map(([, operation]): readonly Value[] => [operation]);
  expect(await compareWithOpa(sampleCalls("json.patch", fc.tuple(values, patch), 4000))).toEqual(
    [],
  );
});

test("object.subset", async () => {
  const values = fc.tuple(documents(true), documents(true));
  const lists = fc.tuple(
    fc.array(fc.constantFrom<Value>("a", "b"), { maxLength: 8 }),
    fc.array(fc.constantFrom<Value>("a", "b"), { maxLength: 4 }),
  );
  const calls = sampleCalls("object.subset", fc.oneof(values, lists), 3000);
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("json.marshal_with_options", async () => {
  const text = fc.constantFrom("", " ", "  ", "\t", "> ", "é");
  const options = fc
    .array(
      fc.oneof(
        fc.tuple(fc.constantFrom<Value>("prefix", "indent"), text),
        fc.tuple(fc.constant<Value>("pretty"), fc.boolean()),
        fc.tuple(fc.constantFrom<Value>("pretty", "prefix", "other"), anyValue),
      ),
      { maxLength: 2 },
    )
    .map((members) => new RegoObject(members));
  const calls = sampleCalls("json.marshal_with_options", fc.tuple(anyValue, mostly(options)), 3000);
  expect(await compareWithOpa(calls)).toEqual([]);
});
