import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BuiltinError, Operands } from "../../../src/rego/builtin.ts";
import { RegoNumber } from "../../../src/rego/number.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { fromJson } from "../../../src/rego/term.ts";
import { isArray, keyOf, RegoObject, type Value } from "../../../src/rego/value.ts";
import {
  askOpa,
  type BuiltinCall,
  compareWithOpa,
  createQuery,
  sample,
  sampleCalls,
} from "./harness.ts";

const small = fc
  .constantFrom("0", "1", "2", "-1", "1.5", "3.0", "10", "0.5", "12345678901")
  .map((text) => {
    return RegoNumber.parse(text) ?? RegoNumber.of(0);
  });
const name = fc.constantFrom("a", "b", "aa", "c");
const document = fc.letrec<{ readonly value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    small,
    fc.constantFrom<Value>(null, true, "", "a", "aa", "é😀", "2020-01-01", "1.2.3.4", "a@b.c"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie("value")), { maxLength: 3 }).map((all) => new RegoObject(all)),
  ),
})).value;

const wrong = fc.constantFrom<Value>(null, "x", true, [1n].map(fromJson), RegoNumber.of(-1), []);
const types = fc.constantFrom("string", "integer", "number", "object", "array", "null", "boolean");
const formats = fc.constantFrom(
  "date",
  "ipv4",
  "email",
  "time",
  "uuid",
  "uri",
  "other",
  "hostname",
);
const count = fc.constantFrom("0", "1", "2").map((text) => RegoNumber.parse(text) ?? null);

function both(
  names: readonly string[],
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<readonly [string, Value]> {
  const usual = { weight: 30, arbitrary: value };
  return fc.tuple(fc.constantFrom(...names), fc.oneof(usual, { weight: 1, arbitrary: wrong }));
}

const schema = fc.letrec<{ readonly one: Value; readonly member: readonly [string, Value] }>(
  (tie) => {
    const lists = fc.array(tie("one"), { minLength: 1, maxLength: 3 });
    const table = fc
      .array(fc.tuple(name, tie("one")), { maxLength: 3 })
      .map((all) => new RegoObject(all));
    return {
      one: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.boolean(),
        fc.array(tie("member"), { maxLength: 3 }).map((all) => new RegoObject(all)),
      ),
      member: fc.oneof(
        both(["type"], fc.oneof(types, fc.uniqueArray(types, { maxLength: 3 }))),
        both(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], small),
        both(
          ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"],
          count,
        ),
        both(["pattern"], fc.constantFrom("a", "^a+$", "(", "\\d", "[")),
        both(["format"], formats),
        both(["required"], fc.uniqueArray(name, { maxLength: 2 })),
        both(["enum"], fc.array(document, { maxLength: 3 })),
        both(["const"], document),
        both(["uniqueItems"], fc.boolean()),
        both(["properties", "definitions"], table),
        both(
          ["patternProperties"],
          tie("one").map((one) => RegoObject.of({ "^a": one })),
        ),
        both(["additionalProperties", "additionalItems"], fc.oneof(fc.boolean(), tie("one"))),
        both(["items"], fc.oneof(tie("one"), lists)),
        both(["propertyNames", "contains", "not", "if", "then", "else"], tie("one")),
        both(["allOf", "anyOf", "oneOf"], lists),
        both(
          ["dependencies"],
          fc.tuple(name, fc.oneof(tie("one"), fc.array(name))).map((one) => new RegoObject([one])),
        ),
      ),
    };
  },
).one;

const drafts = fc.constantFrom(
  "http://json-schema.org/draft-04/schema#",
  "http://json-schema.org/draft-07/schema",
  null,
);
const whole = fc.tuple(schema, drafts).map(([one, draft]): Value => {
  const members = one instanceof RegoObject ? [...one] : [];
  return new RegoObject(draft === null ? members : [...members, ["$schema", draft] as const]);
});

/** OPA walks through objects in no order: problems are compared as a set, without mere order. */
function unordered(found: Value | undefined): string {
  const problems = found !== undefined && isArray(found) ? found[1] : undefined;
  if (found === undefined || !isArray(found) || problems === undefined || !isArray(problems)) {
    return found === undefined ? "undefined" : keyOf(found);
  }
  return keyOf([found[0] ?? null, problems.map(keyOf).toSorted()]);
}

test("json.match_schema", async () => {
  const calls = sample(fc.tuple(document, whole), 4000).map(([value, one]): BuiltinCall => [
    "json.match_schema",
    value,
    one,
  ]);
  const { builtins } = await findBuiltins(["json.match_schema"]);
  const expected = await askOpa(calls);
  const differences = calls.filter((call, index) => {
    const ours = answer(() => builtins.get(call[0])?.(new Operands(call.slice(1)), createQuery()));
    return unordered(ours) !== unordered(expected.get(index));
  });
  expect(
    differences.slice(0, 10).map((call) => {
      const ours = answer(() =>
        builtins.get(call[0])?.(new Operands(call.slice(1)), createQuery()),
      );
      return [
        call.map(keyOf).join(" "),
        unordered(expected.get(calls.indexOf(call))),
        unordered(ours),
      ];
    }),
  ).toEqual([]);
});

function answer(run: () => Value | undefined): Value | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

/** With one mistake at most, so that it does not matter which one is found first. */
test("json.verify_schema", async () => {
  const keyword = fc.tuple(
    fc.constantFrom(
      ..."type properties items required minLength maxItems pattern enum const not if oneOf $ref format".split(
        " ",
      ),
      ..."minimum exclusiveMinimum multipleOf uniqueItems dependencies propertyNames contains title".split(
        " ",
      ),
      ..."additionalItems additionalProperties definitions patternProperties $schema".split(" "),
    ),
    fc.oneof(document, wrong),
  );
  const one = keyword.map((member) => new RegoObject([member]));
  expect(await compareWithOpa(sampleCalls("json.verify_schema", fc.tuple(one), 3000))).toEqual([]);
});
