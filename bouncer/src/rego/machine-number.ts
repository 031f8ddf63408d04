/** Numbers as OPA's built-ins take them into machine words and floats of a fixed size. Pure. */
import { parseBigFloat, toWhole } from "./big-float.ts";
import type { RegoNumber } from "./number.ts";

/**
 * The signed integer of 64 bits that a number is, by how it is written: `1.0` is one, `1e3` is not,
 * and neither is what has more than 19 digits.
 */
export function toInt64(number: RegoNumber): bigint | null {
  const digits = /^-?(\d+)(?:\.(0*))?$/.exec(number.text);
  if (digits === null || number.text.replace("-", "").length > 19) return null;
  const integer = BigInt(number.text.replace(/\..*/, ""));
  return BigInt.asIntN(64, integer) === integer ? integer : null;
}

/** The integer that is left of a number when it keeps the 64 bits that OPA gives it. */
export function toRoundedInteger(number: RegoNumber): bigint | null {
  const integer = number.toInteger();
  if (integer !== null) return integer;
  const float = parseBigFloat(number.text);
  return float === null ? null : toWhole(float);
}
