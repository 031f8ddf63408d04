/** Built-in function json.marshal_with_options: JSON as Go indents it. Pure. */
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import type { RegoObject, Value } from "../value.ts";
import { type Layout, printGoJson } from "./marshal/print.ts";

const known = ["indent", "prefix", "pretty"];

function readOptions(options: RegoObject): Layout {
  const unknown = [...options].find(([key]) => typeof key !== "string" || !known.includes(key));
  if (unknown !== undefined) throw new BuiltinError("there is an unknown option");
  const [prefix, indent, pretty] = [
    options.get("prefix"),
    options.get("indent"),
    options.get("pretty"),
  ];
  // Whoever says how to indent wants it, unless said otherwise.
  const isPretty = pretty === undefined ? prefix !== undefined || indent !== undefined : pretty;
  if (typeof isPretty !== "boolean") throw new BuiltinError("the option pretty must be a boolean");
  return {
    isPretty,
    prefix: readText(prefix, ""),
    indent: readText(indent, "\t"),
  };
}

function readText(value: Value | undefined, initial: string): string {
  if (value !== undefined && typeof value !== "string") {
    throw new BuiltinError("the options prefix and indent must be strings");
  }
  return value ?? initial;
}

function marshal(operands: Operands): string {
  const layout = readOptions(operands.object(1));
  const text = printGoJson(operands.value(0), layout);
  return layout.isPretty ? layout.prefix + text : text;
}

export const builtins: Builtins = { "json.marshal_with_options": marshal };
