/** `strings.render_template`. Pure. */
import { type Builtin, BuiltinError, type Builtins } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { renderTemplate } from "../template/render.ts";
import type { Argument } from "../text/argument.ts";
import { quote } from "../text/quote.ts";
import { compareStrings, isArray, type RegoObject, RegoSet, type Value } from "../value.ts";

/** OPA writes the value out and reads it as JSON: sets, other keys than strings are errors. */
function toArgument(value: Value): Argument {
  if (value === null) return { kind: "nil" };
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (typeof value === "string") return { kind: "string", type: "string", value: check(value) };
  if (value instanceof RegoNumber) {
    return { kind: "string", type: "json.Number", value: value.text };
  }
  if (value instanceof RegoSet) throw new BuiltinError("there is a set in operand 2");
  if (isArray(value)) return { kind: "list", values: value.map(toArgument) };
  return { kind: "map", members: toMembers(value) };
}

function toMembers(object: RegoObject): readonly (readonly [string, Argument])[] {
  const members = [...object].map(([key, member]) => {
    if (typeof key !== "string") throw new BuiltinError("a key in operand 2 is not a string");
    return [check(key), toArgument(member)] as const;
  });
  return members.toSorted(([one], [other]) => compareStrings(one, other));
}

/** Texts are written out as Go quotes them, with escapes that JSON does not have. */
function check(text: string): string {
  if (/\\[avxU]/.test(quote(text).replaceAll("\\\\", ""))) {
    throw new BuiltinError("there is a control character in operand 2");
  }
  return text;
}

const render: Builtin = (operands, query) => {
  const [text, data] = [operands.string(0), toArgument(operands.object(1))];
  return renderTemplate(text, data, query).replaceAll("<no value>", "<undefined>");
};

export const builtins: Builtins = { "strings.render_template": render };
