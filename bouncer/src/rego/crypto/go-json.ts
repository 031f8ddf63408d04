/** What Go's encoding/json makes of structs, bytes and big numbers, as Rego values; and JSON as it writes it. Pure. */
import { RegoNumber } from "../number.ts";
import { printJson } from "../term.ts";
import { compareStrings, isArray, RegoObject, RegoSet, type Value } from "../value.ts";

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

/**
 * The JSON text of json.Marshal: members by the bytes of their names, whatever they were in Rego, and
 * escapes for what HTML could misread.
 */
export function printGoJson(value: Value): string {
  return print(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function print(value: Value): string {
  if (value instanceof RegoSet) return print(value.sorted());
  if (value instanceof RegoObject) {
    const members = [...value].map(
      ([key, member]) => [typeof key === "string" ? key : printGoJson(key), print(member)] as const,
    );
    const sorted = members.toSorted(([one], [other]) => compareStrings(one, other));
    return `{${sorted.map(([name, text]) => `${printJson(name)}:${text}`).join(",")}}`;
  }
  return isArray(value) ? `[${value.map(print).join(",")}]` : printJson(value);
}
