/**
 * Documents of a bundle: JSON in which numbers keep the text that they were written with and every
 * name is only a name, `__proto__` too. What is hashed, merged, patched and evaluated is the same
 * tree, so nothing can mean one thing to the signature and another to the policy. Pure.
 */
import { RegoNumber } from "../rego/number.ts";
import { parseJson } from "../rego/term.ts";
import { compareStrings, isArray, RegoObject, RegoSet, type Value } from "../rego/value.ts";

export type Tree = null | boolean | string | RegoNumber | Tree[] | Branch;
export type Branch = Map<string, Tree>;
export type Path = readonly string[];

/** Throws a SyntaxError for anything but one JSON text. */
export function parseTree(text: string): Tree {
  return toTree(parseJson(text));
}

function toTree(value: Value): Tree {
  if (value instanceof RegoObject) {
    const branch: Branch = new Map();
    // JSON has no other keys than strings.
    for (const [key, item] of value) if (typeof key === "string") branch.set(key, toTree(item));
    return branch;
  }
  if (value instanceof RegoSet) throw new TypeError("JSON has no sets");
  return isArray(value) ? value.map(toTree) : value;
}

/**
 * In OPA's canonical form, which signatures are made over: names in the order of their UTF-8 bytes,
 * no spaces, numbers as written, strings as Go writes them without escapes for HTML.
 */
export function printTree(tree: Tree): string {
  if (tree instanceof Map) {
    const members = [...tree]
      .toSorted(([one], [other]) => compareStrings(one, other))
      .map(([key, item]) => `${printString(key)}:${printTree(item)}`);
    return `{${members.join(",")}}`;
  }
  if (Array.isArray(tree)) return `[${tree.map(printTree).join(",")}]`;
  if (tree instanceof RegoNumber) return tree.text;
  return typeof tree === "string" ? printString(tree) : String(tree);
}

function printString(text: string): string {
  const printed = JSON.stringify(text.toWellFormed());
  return printed.replaceAll("\u2028", String.raw`\u2028`).replaceAll("\u2029", String.raw`\u2029`);
}

/** `value` at `path`, and nothing else; null when the whole tree would be no object. */
export function plant(path: Path, value: Tree): Branch | null {
  const tree = path.reduceRight<Tree>((inner, key) => new Map([[key, inner]]), value);
  return tree instanceof Map ? tree : null;
}

/**
 * Adds `other` to `one`, which is changed. Answers with the first path at which both have something
 * that cannot be one; null when there is none.
 */
export function merge(one: Branch, other: Branch, above: Path = []): Path | null {
  for (const [key, item] of other) {
    const present = one.get(key);
    if (present === undefined) {
      one.set(key, item);
      continue;
    }
    const path = [...above, key];
    if (!(present instanceof Map) || !(item instanceof Map)) return path;
    const conflict = merge(present, item, path);
    if (conflict !== null) return conflict;
  }
  return null;
}

/** How far `path` leads: what is there, or what is in the way when that is no object. */
export function follow(tree: Tree, path: Path): Tree | undefined {
  let at: Tree | undefined = tree;
  for (const key of path) {
    if (!(at instanceof Map)) return at;
    at = at.get(key);
  }
  return at;
}
