/** Built-in functions json.match_schema and json.verify_schema, interpreted: no code is made. */
import { BuiltinError, type Builtins } from "../builtin.ts";
import { parseJson, printTerm } from "../term.ts";
import { isArray, RegoObject, type Value } from "../value.ts";
import { toJson } from "./schema/canonical.ts";
import { check } from "./schema/check.ts";
import { compileSchema, type Schema } from "./schema/compile.ts";
import { printProblem } from "./schema/messages.ts";
import { Work } from "./schema/result.ts";

/** Schemas come from policies, mostly, and are the same each time. */
const maxSchemas = 10;
/** Longer ones are not kept. */
const maxText = 100_000;
const schemas = new Map<string, Schema>();

/** JSON as text, or an object or an array as it is. */
function load(value: Value): Value {
  if (typeof value === "string") {
    try {
      return parseJson(value);
    } catch {
      throw new BuiltinError("invalid JSON string");
    }
  }
  if (value instanceof RegoObject || isArray(value)) return toJson(value);
  throw new BuiltinError("wrong type, expected string or object");
}

function compile(value: Value): Schema {
  const text = typeof value === "string" ? value : printTerm(value);
  const key = `${typeof value} ${text}`;
  const known = schemas.get(key);
  if (known !== undefined) return known;
  const schema = compileSchema(load(value));
  if (text.length > maxText) return schema;
  const [oldest] = schemas.keys();
  if (schemas.size >= maxSchemas && oldest !== undefined) schemas.delete(oldest);
  schemas.set(key, schema);
  return schema;
}

export const builtins: Builtins = {
  "json.match_schema": (operands, query) => {
    const document = load(operands.value(0));
    const { isValid, problems } = check(compile(operands.value(1)), document, new Work(query));
    return [isValid, problems.map(printProblem)];
  },
  "json.verify_schema": (operands) => {
    try {
      compile(operands.value(0));
      return [true, null];
    } catch (error) {
      if (error instanceof BuiltinError) return [false, `jsonschema: ${error.message}`];
      throw error;
    }
  },
};
