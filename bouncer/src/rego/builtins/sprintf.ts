/** `sprintf`: Go's, with Rego's values as OPA hands them over. Pure. */
import type { Builtins } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import type { Argument } from "../text/argument.ts";
import { display } from "../text/display.ts";
import { formatText } from "../text/format.ts";
import type { Value } from "../value.ts";

/** A fraction or an exponent makes a double of a number, whatever its size; else it is whole. */
function toArgument(value: Value): Argument {
  if (!(value instanceof RegoNumber)) {
    return {
      kind: "string",
      type: "string",
      value: typeof value === "string" ? value : display(value),
    };
  }
  if (/[.eE]/.test(value.text)) {
    const float = value.toNumber();
    return Number.isFinite(float)
      ? { kind: "float", value: float }
      : { kind: "string", type: "string", value: value.text };
  }
  const integer = BigInt(value.text);
  const isSmall = BigInt.asIntN(64, integer) === integer;
  return { kind: "integer", type: isSmall ? "int64" : "*big.Int", value: integer };
}

export const builtins: Builtins = {
  sprintf: (operands) => formatText(operands.string(0), operands.array(1).map(toArgument)),
};
