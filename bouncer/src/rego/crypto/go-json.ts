/** What Go's encoding/json makes of structs, bytes and big numbers, as Rego values; and JSON as it writes it. Pure. */
import { RegoNumber } from "../number.ts";
import { printJson } from "../term.ts";
import { RegoObject, type Value } from "../value.ts";

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

export function toValue(json: Json): Value {
  if (json === null || typeof json === "boolean" || typeof json === "string") return json;
  if (typeof json === "number" || typeof json === "bigint") return RegoNumber.of(json);
  if (isList(json)) return json.map(toValue);
  return new RegoObject(Object.entries(json).map(([name, member]) => [name, toValue(member)]));
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** For a slice of Go that was never appended to. */
export function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** The JSON text of json.Marshal, which escapes what HTML could misread. */
export function printGoJson(value: Value): string {
  return printJson(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
