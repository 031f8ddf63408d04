/** Arrays, by the keywords for them. Pure. */
import type { Value } from "../../value.ts";
import { canonical } from "./canonical.ts";
import type { Checking } from "./check.ts";
import type { Schema } from "./compile.ts";
import type { Result } from "./result.ts";

export function checkArray(checking: Checking, schema: Schema, value: readonly Value[]): void {
  const { result, place } = checking;
  const [least, most] = [schema.limits.get("minItems"), schema.limits.get("maxItems")];
  checkItems(checking, schema, value);
  if (least !== undefined && value.length < least) {
    result.add("array_min_items", place, `Array must have at least ${least} items`);
  }
  if (most !== undefined && value.length > most) {
    result.add("array_max_items", place, `Array must have at most ${most} items`);
  }
  if (schema.unique) checkUnique(checking, value);
  checkContains(checking, schema.contains, value);
  result.count();
}

function checkItems(checking: Checking, schema: Schema, value: readonly Value[]): void {
  const { run, result, place } = checking;
  const { items } = schema;
  if (items === null || (isTuple(items) && items.length === 0)) return;
  for (const [index, item] of value.entries()) {
    const inner = isTuple(items) ? (items[index] ?? restOf(schema)) : items;
    if (inner !== null) result.merge(run(inner, item, { key: String(index), parent: place }));
  }
  if (isTuple(items) && value.length > items.length && schema.additionalItems === false) {
    result.add("array_no_additional_items", place, "No additional items allowed on array");
  }
}

function isTuple(items: Schema | readonly Schema[]): items is readonly Schema[] {
  return Array.isArray(items);
}

function restOf({ additionalItems }: Schema): Schema | null {
  return typeof additionalItems === "boolean" ? null : additionalItems;
}

function checkUnique({ result, place }: Checking, value: readonly Value[]): void {
  const seen = new Map<string, number>();
  for (const [index, item] of value.entries()) {
    const text = canonical(item);
    const earlier = seen.get(text);
    if (earlier !== undefined) {
      result.add("unique", place, `array items[${earlier},${index}] must be unique`);
    }
    seen.set(text, index);
  }
}

function checkContains(
  { run, result, place }: Checking,
  contains: Schema | null,
  value: readonly Value[],
): void {
  if (contains === null) return;
  let nearest: Result | null = null;
  for (const [index, item] of value.entries()) {
    const tried = run(contains, item, { key: String(index), parent: place });
    if (tried.isValid) return;
    if (nearest === null || tried.score > nearest.score) nearest = tried;
  }
  result.add("contains", place, "At least one of the items must match");
  result.merge(nearest);
}
