/** Documents checked by schemas, keyword by keyword in OPA's order, with its words. Pure. */
import { RegoNumber } from "../../number.ts";
import { isArray, RegoObject, type Value } from "../../value.ts";
import { canonical } from "./canonical.ts";
import { checkArray } from "./check-array.ts";
import { checkObject } from "./check-object.ts";
import { checkNumber, checkString } from "./check-scalar.ts";
import type { Schema } from "./compile.ts";
import { isFormat } from "./format.ts";
import type { Place } from "./messages.ts";
import { isWhole } from "./number.ts";
import { Result, type Work } from "./result.ts";

/** Checks a value by a schema of its own; what is wrong is in the result. */
export type Check = (schema: Schema, value: Value, place: Place | null) => Result;

export function check(schema: Schema, value: Value, work: Work): Result {
  const run: Check = (inner, member, place) => {
    const result = new Result();
    into(result, inner, member, place);
    return result;
  };
  const into = (result: Result, inner: Schema, member: Value, place: Place | null): void => {
    work.within(() => {
      if (inner.isAlways !== null) {
        if (!inner.isAlways) result.add("false", place, "False always fails validation");
      } else if (inner.target === null) checkValue({ run, into, result, place }, inner, member);
      else into(result, inner.target(), member, place);
    });
  };
  return run(schema, value, null);
}

/** What the checks of one value share. */
export interface Checking {
  readonly run: Check;
  readonly into: (result: Result, schema: Schema, value: Value, place: Place | null) => void;
  readonly result: Result;
  readonly place: Place | null;
}

function checkValue(checking: Checking, schema: Schema, value: Value): void {
  const { result, place } = checking;
  const given = typeOf(value);
  if (!hasType(schema, given)) {
    const expected = schema.types.length > 1 ? `[${schema.types.join(",")}]` : schema.types[0];
    result.add("invalid_type", place, `Invalid type. Expected: ${expected ?? ""}, given: ${given}`);
    return;
  }
  checkCombinations(checking, schema, value);
  if (value instanceof RegoNumber) checkNumber(checking, schema, value);
  if (isArray(value)) checkArray(checking, schema, value);
  if (value instanceof RegoObject) checkObject(checking, schema, value);
  checkCommon(checking, schema, value);
  if (typeof value === "string") checkString(checking, schema, value);
  if (value instanceof RegoObject) {
    for (const [name, inner] of schema.properties) {
      const member = value.get(name);
      if (member !== undefined) checking.into(result, inner, member, { key: name, parent: place });
    }
  }
  result.count();
}

function typeOf(value: Value): string {
  if (value === null) return "null";
  if (value instanceof RegoNumber) return isWhole(value) ? "integer" : "number";
  if (isArray(value)) return "array";
  return typeof value === "object" ? "object" : typeof value;
}

function hasType({ types }: Schema, given: string): boolean {
  if (types.length === 0 || types.includes(given)) return true;
  return given === "integer" && types.includes("number");
}

function checkCombinations(checking: Checking, schema: Schema, value: Value): void {
  const { run, result, place } = checking;
  checkAnyOf(checking, schema.anyOf, value);
  checkOneOf(checking, schema.oneOf, value);
  const results = schema.allOf.map((inner) => run(inner, value, place));
  results.forEach((each) => result.merge(each));
  if (!results.every((each) => each.isValid)) {
    result.add("number_all_of", place, "Must validate all the schemas (allOf)");
  }
  if (schema.not !== null && run(schema.not, value, place).isValid) {
    result.add("number_not", place, "Must not validate the schema (not)");
  }
  checkDependencies(checking, schema, value);
  if (schema.condition !== null) checkCondition(checking, schema, schema.condition, value);
  result.count();
}

function best(results: readonly Result[]): Result | null {
  return results.reduce<Result | null>(
    (known, each) => (known === null || each.score > known.score ? each : known),
    null,
  );
}

function checkAnyOf(
  { run, result, place }: Checking,
  schemas: readonly Schema[],
  value: Value,
): void {
  if (schemas.length === 0) return;
  const failed: Result[] = [];
  for (const schema of schemas) {
    const tried = run(schema, value, place);
    if (tried.isValid) return;
    failed.push(tried);
  }
  result.add("number_any_of", place, "Must validate at least one schema (anyOf)");
  result.merge(best(failed));
}

function checkOneOf(
  { run, result, place }: Checking,
  schemas: readonly Schema[],
  value: Value,
): void {
  if (schemas.length === 0) return;
  const results = schemas.map((schema) => run(schema, value, place));
  const valid = results.filter((each) => each.isValid).length;
  if (valid === 1) return;
  result.add("number_one_of", place, "Must validate one and only one schema (oneOf)");
  if (valid === 0) result.merge(best(results));
}

function checkDependencies(
  { into, result, place }: Checking,
  { dependencies }: Schema,
  value: Value,
): void {
  if (!(value instanceof RegoObject)) return;
  for (const [name, dependency] of dependencies) {
    if (!value.has(name)) continue;
    if ("types" in dependency) into(result, dependency, value, place);
    else {
      for (const other of dependency) {
        if (!value.has(other)) {
          result.add("missing_dependency", place, `Has a dependency on ${other}`);
        }
      }
    }
  }
}

function checkCondition(
  { run, result, place }: Checking,
  { onTrue, onFalse }: Schema,
  condition: Schema,
  value: Value,
): void {
  const holds = run(condition, value, place).isValid;
  const branch = holds ? onTrue : onFalse;
  const outcome = branch === null ? null : run(branch, value, place);
  if (outcome === null || outcome.isValid) return;
  if (holds) result.add("condition_then", place, 'Must validate "then" as "if" was valid');
  else result.add("condition_else", place, 'Must validate "else" as "if" was not valid');
  result.merge(outcome);
}

function checkCommon({ result, place }: Checking, schema: Schema, value: Value): void {
  const { constant, allowed, format } = schema;
  const text = constant === null && allowed === null ? "" : canonical(value);
  if (constant !== null && text !== constant) {
    result.add("const", place, `% does not match: ${constant}`);
  }
  if (allowed !== null && !allowed.includes(text)) {
    result.add("enum", place, `% must be one of the following: ${allowed.join(", ")}`);
  }
  if (format !== "" && typeof value === "string" && !isFormat(format, value)) {
    result.add("format", place, `Does not match format '${format}'`);
  }
  result.count();
}
