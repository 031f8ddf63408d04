/** Whole numbers as OPA takes them from operands that have to be machine integers. Pure. */
import { BuiltinError, type Operands } from "../builtin.ts";
import type { RegoNumber } from "../number.ts";

const form = /^(-?\d+)(?:\.0*)?$/;

/** `10` and `10.00`, but not `1e1`; null beyond 19 characters and 64 bits. */
export function toInt64(number: RegoNumber): bigint | null {
  const digits = form.exec(number.text)?.[1];
  if (digits === undefined || number.text.replace("-", "").length > 19) return null;
  const value = BigInt(digits);
  return BigInt.asIntN(64, value) === value ? value : null;
}

/** As a double, which is exact as far as texts can be long. */
export function takeInt64(operands: Operands, index: number): number {
  const value = toInt64(operands.number(index));
  if (value === null) {
    throw new BuiltinError(`operand ${index + 1} must be an integer of 64 bits`);
  }
  return Number(value);
}
