/** What can be printed under a verb of a format: Rego's values as they are in Go. Pure. */
import { BuiltinError } from "../builtin.ts";
import { fill, type Layout, pad, truncate } from "./layout.ts";
import { formatBigInteger, formatDouble, formatInteger } from "./number-format.ts";
import { canBackquote, quote } from "./quote.ts";
import { encodeUtf8 } from "./utf8.ts";

export type Argument =
  | { readonly kind: "nil" }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** `int64` and `int` are machine integers, `*big.Int` is one of more than 64 bits. */
  | {
      readonly kind: "integer";
      readonly value: bigint;
      readonly type: "int64" | "int" | "*big.Int";
    }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string; readonly type: "string" | "json.Number" }
  | { readonly kind: "list"; readonly values: readonly Argument[] }
  /** In the order of its keys. */
  | { readonly kind: "map"; readonly members: readonly (readonly [string, Argument])[] };

export function isBigInteger(argument: Argument): boolean {
  return argument.kind === "integer" && argument.type === "*big.Int";
}

const typeNames = {
  nil: "<nil>",
  boolean: "bool",
  float: "float64",
  list: "[]interface {}",
  map: "map[string]interface {}",
} as const;

export function typeName(argument: Argument): string {
  return argument.kind === "integer" || argument.kind === "string"
    ? argument.type
    : typeNames[argument.kind];
}

export function printArgument(argument: Argument, verb: string, layout: Layout): string {
  if (argument.kind === "nil" && (verb === "v" || verb === "T")) return pad("<nil>", layout);
  if (verb === "T") return pad(truncate(typeName(argument), layout), layout);
  if (verb === "p" && isPointer(argument)) throw new BuiltinError("%p would print an address");
  return printValue(argument, verb, layout);
}

function isPointer(argument: Argument): boolean {
  return argument.kind === "list" || argument.kind === "map" || isBigInteger(argument);
}

function printValue(argument: Argument, verb: string, layout: Layout): string {
  if (argument.kind === "nil") return `%!${verb}(<nil>)`;
  if (argument.kind === "list" || argument.kind === "map") {
    return printComposite(argument, verb, layout);
  }
  return printScalar(argument, verb, layout) ?? refuse(argument, verb, layout);
}

type Composite = Extract<Argument, { readonly kind: "list" | "map" }>;

type Scalar = Exclude<Argument, Composite | { readonly kind: "nil" }>;

/** null: it has no such verb. */
function printScalar(argument: Scalar, verb: string, layout: Layout): string | null {
  if (argument.kind === "integer") return printInteger(argument, verb, layout);
  if (argument.kind === "float") return formatDouble(argument.value, verb, layout);
  if (argument.kind === "string") return printString(argument.value, verb, layout);
  return printBoolean(argument.value, verb, layout);
}

function printBoolean(value: boolean, verb: string, layout: Layout): string | null {
  return verb === "t" || verb === "v" ? pad(String(value), layout) : null;
}

type Integer = Extract<Argument, { readonly kind: "integer" }>;

function printInteger(argument: Integer, verb: string, layout: Layout): string | null {
  const { value, type } = argument;
  if (type !== "*big.Int") return formatInteger(value, verb, layout);
  if (verb === "w") throw new BuiltinError("%w would print how the number is stored");
  return formatBigInteger(value, verb, layout) ?? `%!${verb}(big.Int=${value})`;
}

function refuse(argument: Argument, verb: string, layout: Layout): string {
  return `%!${verb}(${typeName(argument)}=${printValue(argument, "v", layout)})`;
}

/** null: a string has no such verb. */
function printString(value: string, verb: string, layout: Layout): string | null {
  if (verb === "q" || (verb === "v" && layout.sharpV)) return printQuoted(value, layout);
  if (verb === "s" || verb === "v") return pad(truncate(value, layout), layout);
  return verb === "x" || verb === "X" ? printHex(value, verb === "X", layout) : null;
}

function printQuoted(value: string, layout: Layout): string {
  const text = truncate(value, layout);
  if (layout.sharp && canBackquote(text)) return pad(`\`${text}\``, layout);
  return pad(quote(text, layout.plus), layout);
}

function printHex(value: string, isUpper: boolean, layout: Layout): string {
  const bytes = encodeUtf8(value);
  const shown = bytes.subarray(0, Math.min(layout.precision ?? bytes.length, bytes.length));
  if (shown.length === 0) return fill("", 0, layout);
  const pairs = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0"));
  const mark = layout.sharp ? "0x" : "";
  const text = layout.space ? pairs.map((pair) => mark + pair).join(" ") : mark + pairs.join("");
  return pad(isUpper ? text.toUpperCase() : text, layout);
}

function printComposite(argument: Composite, verb: string, layout: Layout): string {
  if (layout.sharpV) throw new BuiltinError("%#v of arrays and objects is not supported");
  if (argument.kind === "list") {
    const texts = argument.values.map((value) => printElement(value, verb, layout));
    return `[${texts.join(" ")}]`;
  }
  const texts = argument.members.map(([key, value]) => {
    const name = printValue({ kind: "string", value: key, type: "string" }, verb, layout);
    return `${name}:${printElement(value, verb, layout)}`;
  });
  return `map[${texts.join(" ")}]`;
}

function printElement(value: Argument, verb: string, layout: Layout): string {
  return value.kind === "nil" ? "<nil>" : printValue(value, verb, layout);
}
