/** Aliases of YAML: what each one stands for, and how much they may make of a short text. */
import { type Alias, type Document, isAlias, isMap, isNode, isPair, isSeq, type Node } from "yaml";
import { BuiltinError } from "../../builtin.ts";

/** Go's library takes a document for an attack when so large a part of it comes from aliases. */
function allowedRatio(count: number): number {
  if (count <= 400_000) return 0.99;
  return count >= 4_000_000 ? 0.1 : 0.99 - (0.89 * (count - 400_000)) / 3_600_000;
}

/** Characters of strings; without aliases, there are no more than in the text. */
const maxCharacters = 4_000_000;

export class Aliases {
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #open = new Set<Node>();
  #count = 0;
  #aliased = 0;
  #characters = 0;

  constructor(documents: readonly Document.Parsed[]) {
    this.#targets = bind(documents);
  }

  /** One more node is read. */
  count(): void {
    this.#count += 1;
    if (this.#open.size > 0) this.#aliased += 1;
    const isSuspicious = this.#aliased > 100 && this.#count > 1000;
    if (isSuspicious && this.#aliased / this.#count > allowedRatio(this.#count)) {
      throw new BuiltinError("the document consists of aliases");
    }
  }

  measured<T>(value: T): T {
    if (typeof value === "string") this.#characters += value.length;
    if (this.#characters > maxCharacters) throw new BuiltinError("the document is too large");
    return value;
  }

  follow<T>(alias: Alias, read: (target: Node) => T): T {
    const target = this.#targets.get(alias);
    if (target === undefined || this.#open.has(target)) {
      throw new BuiltinError(`the alias ${alias.source} stands for nothing, or for itself`);
    }
    this.#open.add(target);
    this.count();
    const value = read(target);
    this.#open.delete(target);
    return value;
  }
}

/** An alias means the last node in front of it that has its name, even in an earlier document. */
function bind(documents: readonly Document.Parsed[]): ReadonlyMap<Alias, Node> {
  const named = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const walk = (node: unknown): void => {
    if (isPair(node)) {
      walk(node.key);
      walk(node.value);
    } else if (isAlias(node)) {
      const target = named.get(node.source);
      if (target === undefined) throw new BuiltinError(`there is no anchor ${node.source}`);
      targets.set(node, target);
    } else if (isNode(node)) {
      if (node.anchor !== undefined) named.set(node.anchor, node);
      if (isMap(node) || isSeq(node)) node.items.forEach(walk);
    }
  };
  for (const document of documents) walk(document.contents);
  return targets;
}
