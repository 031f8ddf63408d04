/** Strings and numbers, by the keywords for them. Pure. */
import { compareNumbers, type RegoNumber } from "../../number.ts";
import type { Checking } from "./check.ts";
import type { Schema } from "./compile.ts";
import { printBound } from "./messages.ts";
import { isMultiple } from "./number.ts";

export function checkString({ result, place }: Checking, schema: Schema, value: string): void {
  const [least, most] = [schema.limits.get("minLength"), schema.limits.get("maxLength")];
  const length = Array.from(value).length;
  if (least !== undefined && length < least) {
    const text = `String length must be greater than or equal to ${least}`;
    result.add("string_gte", place, text);
  }
  if (most !== undefined && length > most) {
    result.add("string_lte", place, `String length must be less than or equal to ${most}`);
  }
  if (schema.pattern !== null && !schema.pattern.matcher(value).find()) {
    result.add("pattern", place, `Does not match pattern '${schema.pattern.pattern()}'`);
  }
  result.count();
}

interface Bound {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly holds: (value: RegoNumber, bound: RegoNumber) => boolean;
}

/** In the order in which OPA checks them. */
const bounds: readonly Bound[] = [
  { name: "multipleOf", type: "multiple_of", text: "Must be a multiple of", holds: isMultiple },
  {
    name: "maximum",
    type: "number_lte",
    text: "Must be less than or equal to",
    holds: (value, bound) => compareNumbers(value, bound) <= 0,
  },
  {
    name: "exclusiveMaximum",
    type: "number_lt",
    text: "Must be less than",
    holds: (value, bound) => compareNumbers(value, bound) < 0,
  },
  {
    name: "minimum",
    type: "number_gte",
    text: "Must be greater than or equal to",
    holds: (value, bound) => compareNumbers(value, bound) >= 0,
  },
  {
    name: "exclusiveMinimum",
    type: "number_gt",
    text: "Must be greater than",
    holds: (value, bound) => compareNumbers(value, bound) > 0,
  },
];

export function checkNumber({ result, place }: Checking, schema: Schema, value: RegoNumber): void {
  for (const { name, type, text, holds } of bounds) {
    const bound = schema.bounds.get(name);
    if (bound !== undefined && !holds(value, bound)) {
      result.add(type, place, `${text} ${printBound(bound)}`);
    }
  }
  result.count();
}
