/** Built-in functions graphql.*, by the rules of the parser that OPA uses. Pure. */
import { BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { RegoObject, type Value } from "../value.ts";
import type { QueryDocument, SchemaDocument } from "./graphql/ast.ts";
import { parseSchema } from "./graphql/definitions.ts";
import { toQuery, toSchema, toValue } from "./graphql/document.ts";
import { parseQuery } from "./graphql/query.ts";
import type { Schema } from "./graphql/schema.ts";
import { buildSchema } from "./graphql/soundness.ts";
import { validate } from "./graphql/validate.ts";

/** Schemas come from policies, mostly, and are the same each time. */
const maxSchemas = 10;
const schemas = new Map<string, Schema>();

function readQuery(value: Value): QueryDocument {
  return typeof value === "string" ? parseQuery(value) : toQuery(value);
}

function readSchema(value: Value): SchemaDocument {
  return typeof value === "string" ? parseSchema(value) : toSchema(value);
}

function loadSchema(value: Value): Schema {
  if (typeof value !== "string") return buildSchema(toSchema(value));
  const known = schemas.get(value);
  if (known !== undefined) return known;
  const schema = buildSchema(parseSchema(value));
  const [oldest] = schemas.keys();
  if (schemas.size >= maxSchemas && oldest !== undefined) schemas.delete(oldest);
  schemas.set(value, schema);
  return schema;
}

interface Verified {
  readonly query: RegoObject;
  readonly schema: RegoObject;
}

function verify(queryValue: Value, schemaValue: Value, query: Query): Verified {
  const document = readQuery(queryValue);
  validate(loadSchema(schemaValue), document, query);
  return { query: toValue(document), schema: toValue(readSchema(schemaValue)) };
}

/** What `run` gives, or undefined where it refuses. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

export const builtins: Builtins = {
  "graphql.parse": (operands, query) => {
    const found = verify(operands.value(0), operands.value(1), query);
    return [found.query, found.schema];
  },
  "graphql.parse_and_verify": (operands, query) => {
    const found = attempt(() => verify(operands.value(0), operands.value(1), query));
    if (found === undefined) return [false, new RegoObject(), new RegoObject()];
    return [true, found.query, found.schema];
  },
  "graphql.parse_query": (operands) => toValue(parseQuery(operands.string(0))),
  "graphql.parse_schema": (operands) => toValue(parseSchema(operands.string(0))),
  "graphql.is_valid": (operands, query) => {
    const run = (): boolean => {
      validate(loadSchema(operands.value(1)), readQuery(operands.value(0)), query);
      return true;
    };
    return attempt(run) === true;
  },
  "graphql.schema_is_valid": (operands) =>
    attempt(() => loadSchema(operands.value(0))) !== undefined,
};
