/** Exact arithmetic on the decimal numbers of documents and schemas. Pure. */
import { BuiltinError } from "../../builtin.ts";
import type { RegoNumber } from "../../number.ts";

/** Far more digits than anybody writes. */
const maxDigits = 5000;

export function isWhole(number: RegoNumber): boolean {
  const { digits, exponent } = number.decimal();
  return digits === "" || exponent >= 0;
}

export function isMultiple(number: RegoNumber, of: RegoNumber): boolean {
  const [a, b] = [number.decimal(), of.decimal()];
  if (a.digits === "") return true;
  const least = Math.min(a.exponent, b.exponent);
  const [scaleA, scaleB] = [a.exponent - least, b.exponent - least];
  if (Math.max(scaleA, scaleB) > maxDigits) throw new BuiltinError("a number has too many digits");
  const dividend = BigInt(a.digits) * 10n ** BigInt(scaleA);
  return dividend % (BigInt(b.digits) * 10n ** BigInt(scaleB)) === 0n;
}
