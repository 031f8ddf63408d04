/**
 * Where the references in a schema lead: into the schema itself, by pointers and by the identifiers
 * in it. Nothing is fetched. Pure.
 */
import { BuiltinError } from "../../builtin.ts";
import { isArray, RegoObject, type Value } from "../../value.ts";

export class References {
  readonly #pool = new Map<string, Value>();
  /** What references inside of an object are relative to. */
  readonly #bases = new Map<RegoObject, string>();

  constructor(root: Value) {
    this.#collect(root, "", false);
    this.#pool.set("", root);
  }

  absolute(node: RegoObject, reference: string): string {
    return resolve(this.#bases.get(node) ?? "", reference);
  }

  find(reference: string): Value {
    const known = this.#pool.get(reference) ?? this.#pool.get(reference.replace(/#$/, ""));
    if (known !== undefined) return known;
    const [document = "", fragment = ""] = reference.split("#", 2);
    const root = this.#pool.get(document) ?? this.#pool.get(`${document}#`);
    if (root === undefined) throw new BuiltinError(refuse(reference));
    return follow(root, fragment);
  }

  #collect(value: Value, base: string, isTable: boolean): void {
    if (isArray(value)) for (const item of value) this.#collect(item, base, false);
    if (!(value instanceof RegoObject)) return;
    const inner = isTable ? base : this.#identify(value, base);
    this.#bases.set(value, inner);
    for (const [key, member] of value.sorted()) {
      // What is compared with, not described.
      if (!isTable && (key === "const" || key === "enum")) continue;
      this.#collect(member, inner, !isTable && tables.some((table) => table === key));
    }
  }

  /** What references inside of it are relative to. */
  #identify(value: RegoObject, base: string): string {
    const id = value.get("id") ?? value.get("$id");
    if (typeof id !== "string") return base;
    const inner = resolve(base, id);
    if (this.#pool.has(inner)) throw new BuiltinError(`Reference already exists: "${inner}"`);
    this.#pool.set(inner, value);
    return inner;
  }
}

/** Their keys are names of the document, not keywords. */
const tables = ["properties", "dependencies", "patternProperties"];

function resolve(base: string, reference: string): string {
  if (base === "") return reference;
  if (reference.startsWith("#")) return base.replace(/#.*$/s, "") + reference;
  return URL.canParse(reference, base) ? new URL(reference, base).href : reference;
}

function refuse(reference: string): string {
  return URL.canParse(reference)
    ? `remote reference loading disabled: ${reference}`
    : `Reference /${encodeURI(reference.toWellFormed()).replace(/^\//, "")} must be canonical`;
}

function follow(root: Value, pointer: string): Value {
  let value = root;
  for (const part of decode(pointer).split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const index = /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : -1;
    const member = isArray(value) ? value[index] : memberOf(value, key);
    if (member === undefined) throw new BuiltinError(`Object has no key '${key}'`);
    value = member;
  }
  return value;
}

function memberOf(value: Value, key: string): Value | undefined {
  return value instanceof RegoObject ? value.get(key) : undefined;
}

function decode(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}
