/** JSON as Go prints it: keys sorted by their bytes, and escapes that are safe in HTML. Pure. */
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber } from "../../number.ts";
import { compareStrings, isArray, RegoObject, RegoSet, type Value } from "../../value.ts";

export interface Layout {
  readonly isPretty: boolean;
  readonly prefix: string;
  readonly indent: string;
}

const compact: Layout = { isPretty: false, prefix: "", indent: "" };

export function printGoJson(value: Value, layout: Layout = compact): string {
  return new Printer(layout).print(value, 0);
}

/** Characters that the layout may add: a deep value with a long indent has many. */
const maxLayout = 4_000_000;

class Printer {
  readonly #layout: Layout;
  #added = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
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
    const colon = this.#layout.isPretty ? ": " : ":";
    const items = sorted.map(
      ([key, item]) => `${printScalar(key)}${colon}${this.print(item, depth + 1)}`,
    );
    return this.#enclose("{}", items, depth);
  }

  #enclose(brackets: "[]" | "{}", items: readonly string[], depth: number): string {
    const [open = "", close = ""] = brackets;
    if (items.length === 0) return brackets;
    if (!this.#layout.isPretty) return `${open}${items.join(",")}${close}`;
    const { prefix, indent } = this.#layout;
    this.#added += (prefix.length + indent.length * (depth + 1)) * (items.length + 1);
    if (this.#added > maxLayout) throw new BuiltinError("the text is too long");
    const outer = `\n${prefix}${indent.repeat(depth)}`;
    const inner = `${outer}${indent}`;
    return `${open}${inner}${items.join(`,${inner}`)}${outer}${close}`;
  }
}

/** What stands for a key of any type where there can be only strings. */
export function printKey(key: Value): string {
  return typeof key === "string" ? key : printGoJson(key);
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
