/** Paths of json.patch: JSON pointers, or arrays of keys of any type. Pure. */
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber } from "../../number.ts";
import { isArray, type Value } from "../../value.ts";

export type Path = readonly Value[];

/** As OPA: slashes in front, one or more or none, all mean the same. */
export function parsePath(value: Value): Path {
  if (isArray(value)) return value;
  if (typeof value !== "string") throw new BuiltinError("a path must be a string or an array");
  if (value === "") return [];
  const text = value.slice(/^\/*/.exec(value)?.[0].length);
  return text.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Place in an array of this length; `-` is the one after the last. */
export function toIndex(length: number, key: Value): number {
  if (key === "-") return length;
  const isText = typeof key === "string";
  if (!isText && !(key instanceof RegoNumber)) throw new BuiltinError("an index must be a number");
  const text = isText ? key : key.text;
  // A sign is allowed and so are zeros after a point, but no exponent: "+1", "1.00".
  if (!/^[-+]?\d{0,18}(?:\.0*)?$/.test(text) || text.length > 19 || /^[-+]?$/.test(text)) {
    throw new BuiltinError(`${text} is not an index`);
  }
  if (isText && text !== "0" && text.startsWith("0")) {
    throw new BuiltinError(`the index ${text} has a zero in front`);
  }
  return Number(text.endsWith(".") ? text.slice(0, -1) : text);
}
