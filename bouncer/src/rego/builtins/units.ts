/** `units.*`: quantities with prefixes of SI, decimal and binary, as in Kubernetes. */
import { multiply, parseBigFloat, truncate } from "../big-float.ts";
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { type Fraction, type Quantity, scaleQuantity, splitQuantity } from "../units.ts";

const decimal: ReadonlyMap<string, bigint> = new Map([
  ["k", 10n ** 3n],
  ["m", 10n ** 6n],
  ["g", 10n ** 9n],
  ["t", 10n ** 12n],
  ["p", 10n ** 15n],
  ["e", 10n ** 18n],
]);
const binary: ReadonlyMap<string, bigint> = new Map(
  Array.from("kmgtpe", (prefix, index) => [prefix, 2n ** BigInt(10 * (index + 1))]),
);
/** Not a thousandth, but the double that is nearest to it: such is OPA's. */
const milli: Fraction = { numerator: 1_152_921_504_606_847n, denominator: 2n ** 60n };

function readQuantity(text: string): Quantity {
  const quantity = splitQuantity(text.replaceAll('"', ""));
  if (quantity === null) throw new BuiltinError("no amount without spaces");
  return quantity;
}

/** Go's lower case has one letter for each, JavaScript's two for this one. */
function toLower(text: string): string {
  return text.replaceAll("\u0130", "i").toLowerCase();
}

function fail(unit: string): never {
  throw new BuiltinError(`unit ${unit} not recognized`);
}

/** Only the first letter's case tells: `m` is a thousandth and `M` a million. */
function findFactor(unit: string): Fraction {
  const [first, rest] = [unit.slice(0, 1), toLower(unit.slice(1))];
  if (unit === "m") return milli;
  if (unit === "") return { numerator: 1n, denominator: 1n };
  const table = rest === "" ? decimal : rest === "i" ? binary : null;
  const numerator = /^[a-zA-Z]$/.test(first) ? table?.get(first.toLowerCase()) : undefined;
  return { numerator: numerator ?? fail(unit), denominator: 1n };
}

function parseUnits(operands: Operands): RegoNumber {
  const { number, unit } = readQuantity(operands.string(0));
  const scaled = scaleQuantity(number, findFactor(unit));
  const parsed = scaled === null ? null : RegoNumber.parse(scaled);
  if (parsed === null) throw new BuiltinError("the amount is not a number, or too large");
  return parsed;
}

/** The case of letters does not matter, nor does a `b`. What is left of a byte is cut off. */
function parseBytes(operands: Operands): RegoNumber {
  const { number, unit } = readQuantity(toLower(operands.string(0)));
  const form = /^([kmgtpe])(i?)b?$/.exec(unit);
  const factor =
    unit === "" ? 1n : ((form?.[2] === "i" ? binary : decimal).get(form?.[1] ?? "") ?? fail(unit));
  const amount = parseBigFloat(number);
  if (amount === null) throw new BuiltinError("the amount is not a number, or too large");
  return RegoNumber.of(truncate(multiply(amount, { mantissa: factor, exponent: 0 })));
}

export const builtins: Builtins = { "units.parse": parseUnits, "units.parse_bytes": parseBytes };
