/** Values as texts that are equal when the values are, numbers as doubles: as OPA compares. Pure. */
import { RegoNumber } from "../../number.ts";
import { parseJson } from "../../term.ts";
import { isArray, RegoObject, type Value } from "../../value.ts";
import { printGoJson } from "../marshal/print.ts";

/** Only what JSON has: sets become arrays, keys strings. */
export function toJson(value: Value): Value {
  return parseJson(printGoJson(value));
}

export function canonical(value: Value): string {
  return printGoJson(asDoubles(value));
}

function asDoubles(value: Value): Value {
  if (value instanceof RegoNumber) return RegoNumber.parse(String(value.toNumber())) ?? value;
  if (isArray(value)) return value.map(asDoubles);
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject([...value].map(([key, member]) => [key, asDoubles(member)]));
}
