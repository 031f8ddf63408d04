/** Built-in function json.marshal_with_options: JSON as Go indents it. Pure. */
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { compareStrings, isArray, RegoObject, RegoSet, type Value } from "../value.ts";

interface Options {
  readonly isPretty: boolean;
  readonly prefix: string;
  readonly indent: string;
}

const known = ["indent", "prefix", "pretty"];

/** Characters that the layout may add: a deep value with a long indent has many. */
const maxLayout = 4_000_000;

function readOptions(options: RegoObject): Options {
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

class Printer {
  readonly #options: Options;
  #layout = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  print(value: Value, depth: number): string {
    if (value instanceof RegoObject) return this.#object(value, depth);
    const isList = value instanceof RegoSet || isArray(value);
    if (!isList) return printScalar(value);
    const items = value instanceof RegoSet ? value.sorted() : value;
    return this.#enclose(
      "[]",
      items.map((item) => this.print(item, depth + 1)),
      depth,
    );
  }

  #object(value: RegoObject, depth: number): string {
    // Of keys that are written alike, the last one in Rego's order stays.
    const members = new Map(value.sorted().map(([key, item]) => [printKey(key), item]));
    const sorted = [...members].toSorted(([one], [other]) => compareStrings(one, other));
    const colon = this.#options.isPretty ? ": " : ":";
    const items = sorted.map(
      ([key, item]) => `${printScalar(key)}${colon}${this.print(item, depth + 1)}`,
    );
    return this.#enclose("{}", items, depth);
  }

  #enclose(brackets: "[]" | "{}", items: readonly string[], depth: number): string {
    const [open = "", close = ""] = brackets;
    if (items.length === 0) return brackets;
    if (!this.#options.isPretty) return `${open}${items.join(",")}${close}`;
    const { prefix, indent } = this.#options;
    this.#layout += (prefix.length + indent.length * (depth + 1)) * (items.length + 1);
    if (this.#layout > maxLayout) throw new BuiltinError("the text is too long");
    const outer = `\n${prefix}${indent.repeat(depth)}`;
    const inner = `${outer}${indent}`;
    return `${open}${inner}${items.join(`,${inner}`)}${outer}${close}`;
  }
}

const compact: Options = { isPretty: false, prefix: "", indent: "" };

function printKey(key: Value): string {
  return typeof key === "string" ? key : new Printer(compact).print(key, 0);
}

/** Go escapes what could end a script in HTML, and line ends that JavaScript once had. */
const escaped = /[<>&\u{2028}\u{2029}]/gu;

function printScalar(value: null | boolean | string | RegoNumber): string {
  if (value instanceof RegoNumber) return value.text;
  const text = JSON.stringify(typeof value === "string" ? value.toWellFormed() : value);
  return text.replace(
    escaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function marshal(operands: Operands): string {
  const options = readOptions(operands.object(1));
  const text = new Printer(options).print(operands.value(0), 0);
  return options.isPretty ? options.prefix + text : text;
}

export const builtins: Builtins = { "json.marshal_with_options": marshal };
