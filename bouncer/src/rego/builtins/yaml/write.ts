/**
 * Values as YAML, in the layout of Go's YAML library: OPA writes JSON, reads that as YAML, and
 * writes what it has read. So numbers become what YAML takes them for. Pure.
 */
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber } from "../../number.ts";
import { isArray, RegoObject, RegoSet, type Value } from "../../value.ts";
import { printGoJson } from "../marshal/print.ts";
import { printDouble } from "./float.ts";
import { compareKeys } from "./keys.ts";
import { resolve } from "./resolve.ts";
import { isSimpleKey, writeString } from "./scalar.ts";

/** Deep values have long indents. */
const maxLength = 8_000_000;

export function writeYaml(value: Value): string {
  const writer = new Writer();
  const text = isBlock(value) ? writer.block(value, "") : writer.scalar(value, "  ");
  // A block that keeps its line ends has the last one already.
  return text.endsWith("\n") ? text : `${text}\n`;
}

function isBlock(value: Value): value is readonly Value[] | RegoObject | RegoSet {
  if (value instanceof RegoObject || value instanceof RegoSet) return value.size > 0;
  return isArray(value) && value.length > 0;
}

class Writer {
  #length = 0;

  /** Lines of a list or a mapping; the first one without its indent. */
  block(value: readonly Value[] | RegoObject | RegoSet, indent: string): string {
    if (value instanceof RegoObject) return this.#mapping(value, indent);
    const items = value instanceof RegoSet ? value.sorted() : value;
    return this.#join(
      items.map((item) => `- ${this.#inline(item, indent)}`),
      indent,
    );
  }

  #join(entries: readonly string[], indent: string): string {
    this.#length += entries.reduce((sum, entry) => sum + entry.length + indent.length, 0);
    if (this.#length > maxLength) throw new BuiltinError("the text is too long");
    let text = "";
    for (const entry of entries) {
      text += text === "" ? entry : `${text.endsWith("\n") ? "" : "\n"}${indent}${entry}`;
    }
    return text;
  }

  /** On the line of the dash, the question mark or the colon. */
  #inline(value: Value, indent: string): string {
    const inner = `${indent}  `;
    return isBlock(value) ? this.block(value, inner) : this.scalar(value, inner);
  }

  #mapping(value: RegoObject, indent: string): string {
    const members = new Map(value.sorted().map(([key, item]) => [keyText(key), item]));
    const sorted = [...members].toSorted(([one], [other]) => compareKeys(one, other));
    return this.#join(
      sorted.map(([key, item]) => this.#member(key, item, indent)),
      indent,
    );
  }

  #member(key: string, item: Value, indent: string): string {
    const inner = `${indent}  `;
    if (!isSimpleKey(key)) {
      const name = writeString(key, inner);
      const end = name.endsWith("\n") ? "" : "\n";
      return `? ${name}${end}${indent}: ${this.#inline(item, indent)}`;
    }
    const name = `${writeString(key, inner, true)}:`;
    return isBlock(item)
      ? `${name}\n${inner}${this.block(item, inner)}`
      : `${name} ${this.scalar(item, inner)}`;
  }

  scalar(value: Value, indent: string): string {
    if (typeof value === "string") return writeString(asRead(value), indent);
    if (value === null) return "null";
    if (typeof value === "boolean") return String(value);
    if (value instanceof RegoNumber) return writeNumber(value.text, indent);
    return value instanceof RegoObject ? "{}" : "[]";
  }
}

/** As YAML reads it: whole numbers of 64 bits, else doubles, and what is too large as a string. */
function writeNumber(text: string, indent: string): string {
  const resolved = resolve(text);
  if (resolved.kind === "integer") return String(resolved.value);
  return resolved.kind === "float" ? printDouble(resolved.value) : writeString(text, indent);
}

/** In flow mappings, Go's YAML library reads no longer keys; so OPA cannot write them. */
const maxKey = 1024;

function keyText(key: Value): string {
  const text = typeof key === "string" ? key : printGoJson(key);
  const isLong = Array.from(printGoJson(text)).length > maxKey;
  if (isLong || text.includes("\x85")) throw new BuiltinError("a key does not fit on a line");
  return asRead(text);
}

/** What JSON need not escape and YAML does not allow, or takes for the end of a line. */
function asRead(text: string): string {
  if (/[\x7f-\x84\x86-\x9f\ufffe\uffff]/.test(text)) {
    throw new BuiltinError("there is a control character");
  }
  return text
    .toWellFormed()
    .replace(
      / *\x85[ \x85]*/g,
      (found) => "\n".repeat(found.replaceAll(" ", "").length - 1) || " ",
    );
}
