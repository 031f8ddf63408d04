/** Objects, by the keywords for them. Pure. */
import type { RegoObject, Value } from "../../value.ts";
import type { Checking } from "./check.ts";
import type { Schema } from "./compile.ts";

export function checkObject(checking: Checking, schema: Schema, value: RegoObject): void {
  const { result, place } = checking;
  const [least, most] = [schema.limits.get("minProperties"), schema.limits.get("maxProperties")];
  if (least !== undefined && value.size < least) {
    result.add("array_min_properties", place, `Must have at least ${least} properties`);
  }
  if (most !== undefined && value.size > most) {
    result.add("array_max_properties", place, `Must have at most ${most} properties`);
  }
  for (const name of schema.required) {
    if (value.has(name)) result.count();
    else result.add("required", place, `${name} is required`);
  }
  const members = value.sorted().map(([key, member]): readonly [string, Value] => {
    return [typeof key === "string" ? key : "", member];
  });
  for (const [name, member] of members) checkMember(checking, schema, name, member);
  if (schema.propertyNames !== null) {
    for (const [name] of members) checkName(checking, schema.propertyNames, name);
  }
  result.count();
}

function checkMember(checking: Checking, schema: Schema, name: string, member: Value): void {
  const { run, result, place } = checking;
  const inner = { key: name, parent: place };
  const matching = schema.patternProperties.filter(([pattern]) => pattern.matcher(name).find());
  for (const [, each] of matching) result.merge(run(each, member, inner));
  if (matching.length > 0) result.count();
  const { additionalProperties } = schema;
  if (matching.length > 0 || schema.properties.has(name)) return;
  if (additionalProperties === false) {
    const text = `Additional property ${name} is not allowed`;
    result.add("additional_property_not_allowed", place, text);
  } else if (additionalProperties !== true && additionalProperties !== null) {
    result.merge(run(additionalProperties, member, inner));
  }
}

function checkName({ run, result, place }: Checking, schema: Schema, name: string): void {
  const outcome = run(schema, name, place);
  if (outcome.isValid) return;
  result.add("invalid_property_name", place, `Property name of "${name}" does not match`);
  result.merge(outcome);
}
