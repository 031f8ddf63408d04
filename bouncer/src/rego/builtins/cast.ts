/** `cast_*`, which OPA has deprecated: all but two give back what is of the type already. Pure. */
import type { Builtin, Builtins } from "../builtin.ts";
import { BuiltinError } from "../builtin.ts";
import { RegoSet, type TypeName, typeOf } from "../value.ts";

function only(type: TypeName): Builtin {
  return (operands) => {
    const value = operands.value(0);
    if (typeOf(value) === type) return value;
    throw new BuiltinError(`operand 1 must be ${type} but got ${typeOf(value)}`);
  };
}

export const builtins: Builtins = {
  cast_array: (operands) => operands.collection(0),
  cast_boolean: only("boolean"),
  cast_null: only("null"),
  cast_object: only("object"),
  cast_set: (operands) => new RegoSet(operands.collection(0)),
  cast_string: only("string"),
};
