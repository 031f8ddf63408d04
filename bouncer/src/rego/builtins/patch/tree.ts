/**
 * A value while it is patched: only what a path walks through is opened, and what stays closed is
 * shared with the document. Pure.
 */
import { BuiltinError } from "../../builtin.ts";
import { equals, isArray, keyOf, RegoObject, RegoSet, type Value } from "../../value.ts";
import { type Path, toIndex } from "./path.ts";

interface Tree {
  /** The member below the key, opened. */
  find(key: Value): Slot;
  insert(key: Value, value: Value): void;
  remove(key: Value): void;
  render(): Value;
}

/** A place that has a value, which can be opened into a tree. */
class Slot {
  readonly #value: Value;
  #tree: Tree | null = null;

  constructor(value: Value) {
    this.#value = value;
  }

  tree(): Tree {
    this.#tree ??= open(this.#value);
    return this.#tree;
  }

  render(): Value {
    return this.#tree === null ? this.#value : this.#tree.render();
  }
}

function open(value: Value): Tree {
  if (value instanceof RegoObject) return new ObjectTree(value);
  if (value instanceof RegoSet) return new SetTree(value);
  if (isArray(value)) return new ArrayTree(value);
  throw new BuiltinError("the path leads into a value that has no members");
}

function isComposite(value: Value): boolean {
  return isArray(value) || value instanceof RegoObject || value instanceof RegoSet;
}

class ArrayTree implements Tree {
  readonly #original: readonly Value[];
  /** A slot where something was inserted or opened, else the member as it was. */
  readonly #members: (Slot | Value)[];

  constructor(original: readonly Value[]) {
    this.#original = original;
    this.#members = [...original];
  }

  /**
   * OPA looks for what was neither inserted nor opened in the original array, at the index of now:
   * after a removal further in front that is another member. We answer as OPA does.
   */
  find(key: Value): Slot {
    const index = toIndex(this.#members.length, key);
    const member = this.#members[index];
    if (member instanceof Slot) return member;
    const value = this.#original[index];
    if (member === undefined || value === undefined) {
      throw new BuiltinError(`the array has no index ${index}`);
    }
    const slot = new Slot(value);
    this.#members[index] = slot;
    return slot;
  }

  insert(key: Value, value: Value): void {
    const index = toIndex(this.#members.length, key);
    if (index < 0 || index > this.#members.length) {
      throw new BuiltinError(`nothing can be put at the index ${index}`);
    }
    this.#members.splice(index, 0, new Slot(value));
  }

  remove(key: Value): void {
    const index = toIndex(this.#members.length, key);
    if (index < 0 || index >= this.#members.length) {
      throw new BuiltinError(`the array has no index ${index}`);
    }
    this.#members.splice(index, 1);
  }

  render(): Value {
    return this.#members.map((member) => (member instanceof Slot ? member.render() : member));
  }
}

class ObjectTree implements Tree {
  readonly #original: RegoObject;
  /** By `keyOf`; null is removed. */
  readonly #changes = new Map<string, readonly [Value, Slot] | null>();

  constructor(original: RegoObject) {
    this.#original = original;
  }

  find(key: Value): Slot {
    const change = this.#changes.get(keyOf(key));
    if (change !== undefined && change !== null) return change[1];
    const value = change === null ? undefined : this.#original.get(key);
    if (value === undefined) throw new BuiltinError("the object has no such key");
    const slot = new Slot(value);
    this.#changes.set(keyOf(key), [key, slot]);
    return slot;
  }

  insert(key: Value, value: Value): void {
    this.#changes.set(keyOf(key), [key, new Slot(value)]);
  }

  remove(key: Value): void {
    const change = this.#changes.get(keyOf(key));
    if (change === null || (change === undefined && !this.#original.has(key))) {
      throw new BuiltinError("the object has no such key");
    }
    this.#changes.set(keyOf(key), null);
  }

  render(): Value {
    if (this.#changes.size === 0) return this.#original;
    const kept = [...this.#original].filter(([key]) => !this.#changes.has(keyOf(key)));
    const changed = [...this.#changes.values()].filter((change) => change !== null);
    return new RegoObject([
      ...kept,
      ...changed.map(([key, slot]) => [key, slot.render()] as const),
    ]);
  }
}

class SetTree implements Tree {
  #original: RegoSet;
  /** By `keyOf` of what the member was when it was opened; null is removed. */
  #changes = new Map<string, Slot | null>();

  constructor(original: RegoSet) {
    this.#original = original;
  }

  /** A member is its own key: one that was changed is found by what it is now. */
  #settle(key: Value): void {
    if (!isComposite(key) || this.#changes.size === 0) return;
    this.#original = this.render();
    this.#changes = new Map();
  }

  #has(key: Value): boolean {
    const change = this.#changes.get(keyOf(key));
    return change !== null && (change !== undefined || this.#original.has(key));
  }

  find(key: Value): Slot {
    this.#settle(key);
    if (!this.#has(key)) throw new BuiltinError("the set has no such member");
    const slot = this.#changes.get(keyOf(key)) ?? new Slot(key);
    this.#changes.set(keyOf(key), slot);
    return slot;
  }

  insert(key: Value, value: Value): void {
    if (!equals(key, value)) throw new BuiltinError("a member of a set must be its own key");
    this.#settle(key);
    this.#changes.set(keyOf(key), new Slot(value));
  }

  remove(key: Value): void {
    this.#settle(key);
    if (!this.#has(key)) throw new BuiltinError("the set has no such member");
    this.#changes.set(keyOf(key), null);
  }

  render(): RegoSet {
    if (this.#changes.size === 0) return this.#original;
    const kept = [...this.#original].filter((member) => !this.#changes.has(keyOf(member)));
    const changed = [...this.#changes.values()].filter((slot) => slot !== null);
    return new RegoSet([...kept, ...changed.map((slot) => slot.render())]);
  }
}

/** The document as a whole; its root can be removed and put again. */
export class Document {
  #root: Slot | null;

  constructor(value: Value) {
    this.#root = new Slot(value);
  }

  #walk(path: Path): Slot {
    if (this.#root === null) throw new BuiltinError("the whole document was removed");
    return path.reduce<Slot>((slot, key) => slot.tree().find(key), this.#root);
  }

  get(path: Path): Value {
    return this.#walk(path).render();
  }

  insert(path: Path, value: Value): void {
    const key = path.at(-1);
    if (key === undefined) this.#root = new Slot(value);
    else this.#walk(path.slice(0, -1)).tree().insert(key, value);
  }

  remove(path: Path): void {
    const parent = this.#walk(path.slice(0, -1));
    const key = path.at(-1);
    if (key === undefined) this.#root = null;
    else parent.tree().remove(key);
  }
}
