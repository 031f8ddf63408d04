/**
 * Documents of a bundle: JSON in which numbers keep the text that they were written with and every
 * name is only a name, `__proto__` too. What is hashed, merged, patched and evaluated is the same
 * tree, so nothing can mean one thing to the signature and another to the policy. Pure.
 */
import { RegoNumber } from "../rego/number.ts";
import { compareStrings } from "../rego/value.ts";

export type Tree = null | boolean | string | RegoNumber | Tree[] | Branch;
export type Branch = Map<string, Tree>;
export type Path = readonly string[];

/**
 * In OPA's canonical form, which signatures are made over: names in the order of their UTF-8 bytes,
 * no spaces, numbers as written, strings as Go writes them without escapes for HTML.
 */
export function printTree(tree: Tree): string {
  const printer = new Printer();
  printer.print(tree);
  return printer.text;
}

/** One text that grows: trees are large, and most of their parts are small. */
class Printer {
  text = "";

  print(tree: Tree): void {
    if (tree instanceof Map) this.#printBranch(tree);
    else if (Array.isArray(tree)) this.#printList(tree);
    else if (typeof tree === "string") this.text += printString(tree);
    else this.text += tree instanceof RegoNumber ? tree.text : String(tree);
  }

  #printBranch(branch: Branch): void {
    let separator = "{";
    for (const name of sortNames([...branch.keys()])) {
      this.text += `${separator}${printString(name)}:`;
      this.print(branch.get(name) ?? null);
      separator = ",";
    }
    this.text += branch.size === 0 ? "{}" : "}";
  }

  #printList(list: readonly Tree[]): void {
    let separator = "[";
    for (const item of list) {
      this.text += separator;
      this.print(item);
      separator = ",";
    }
    this.text += list.length === 0 ? "[]" : "]";
  }
}

/** Only beyond the Basic Multilingual Plane, the order of UTF-16 is another than that of UTF-8. */
function sortNames(names: string[]): readonly string[] {
  const isPlain = names.every((name) => !/[\ud800-\udfff]/.test(name));
  return isPlain ? names.toSorted() : names.toSorted(compareStrings);
}

function printString(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed())
    .replaceAll("\u2028", String.raw`\u2028`)
    .replaceAll("\u2029", String.raw`\u2029`);
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
