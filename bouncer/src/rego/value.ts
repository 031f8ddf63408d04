/**
 * Rego's values on this side of the Wasm boundary. Nothing is lost on the way: numbers keep the text
 * they were written with, sets stay sets, any value can be a key. Pure.
 */
import { compareNumbers, RegoNumber } from "./number.ts";

export type Value = null | boolean | RegoNumber | string | readonly Value[] | RegoObject | RegoSet;

export type TypeName = "null" | "boolean" | "number" | "string" | "array" | "object" | "set";

export function typeOf(value: Value): TypeName {
  if (value === null) return "null";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return "string";
  if (value instanceof RegoNumber) return "number";
  if (value instanceof RegoObject) return "object";
  return value instanceof RegoSet ? "set" : "array";
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The same text for equal values and for no others: what sets and objects find members by. */
export function keyOf(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof RegoNumber) return value.normal();
  if (value instanceof RegoObject) {
    const members = value.sorted().map(([key, member]) => `${keyOf(key)}:${keyOf(member)}`);
    return `{${members.join(",")}}`;
  }
  if (value instanceof RegoSet) return `<${value.sorted().map(keyOf).join(",")}>`;
  return `[${value.map(keyOf).join(",")}]`;
}

export class RegoSet implements Iterable<Value> {
  readonly #members: ReadonlyMap<string, Value>;

  constructor(members: Iterable<Value> = []) {
    const map = new Map<string, Value>();
    for (const member of members) {
      const key = keyOf(member);
      if (!map.has(key)) map.set(key, member);
    }
    this.#members = map;
  }

  get size(): number {
    return this.#members.size;
  }

  has(member: Value): boolean {
    return this.#members.has(keyOf(member));
  }

  /** In order of insertion; `sorted` is the order in which Rego walks through a set. */
  [Symbol.iterator](): IterableIterator<Value> {
    return this.#members.values();
  }

  sorted(): readonly Value[] {
    return [...this.#members.values()].toSorted(compare);
  }
}

export class RegoObject implements Iterable<readonly [Value, Value]> {
  readonly #members: ReadonlyMap<string, readonly [Value, Value]>;

  /** Of two members with equal keys, the later one stays. */
  constructor(members: Iterable<readonly [Value, Value]> = []) {
    const map = new Map<string, readonly [Value, Value]>();
    for (const member of members) map.set(keyOf(member[0]), member);
    this.#members = map;
  }

  static of(record: Readonly<Record<string, Value>>): RegoObject {
    return new RegoObject(Object.entries(record));
  }

  get size(): number {
    return this.#members.size;
  }

  get(key: Value): Value | undefined {
    return this.#members.get(keyOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#members.has(keyOf(key));
  }

  /** In order of insertion; `sorted` is the order in which Rego walks through an object. */
  [Symbol.iterator](): IterableIterator<readonly [Value, Value]> {
    return this.#members.values();
  }

  sorted(): readonly (readonly [Value, Value])[] {
    return [...this.#members.values()].toSorted(([one], [other]) => compare(one, other));
  }
}

const ranks: Readonly<Record<TypeName, number>> = {
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  array: 4,
  object: 5,
  set: 6,
};

/** Rego's total order over all values: below 0 when `one` comes first, 0 when they are equal. */
export function compare(one: Value, other: Value): number {
  if (typeof one === "string" && typeof other === "string") return compareStrings(one, other);
  const rank = ranks[typeOf(one)] - ranks[typeOf(other)];
  if (rank !== 0 || one === null || other === null) return rank;
  if (typeof one === "boolean") return Number(one) - Number(other);
  if (one instanceof RegoNumber && other instanceof RegoNumber) return compareNumbers(one, other);
  return compareLists(partsOf(one), partsOf(other));
}

/** What is compared one after the other. */
function partsOf(value: Value): readonly Value[] {
  if (value instanceof RegoSet) return value.sorted();
  if (value instanceof RegoObject) return value.sorted().flat();
  return isArray(value) ? value : [];
}

export function equals(one: Value, other: Value): boolean {
  return one === other || keyOf(one) === keyOf(other);
}

function compareLists(one: readonly Value[], other: readonly Value[]): number {
  for (const [index, value] of one.entries()) {
    const counterpart = other[index];
    if (counterpart === undefined) return 1;
    const order = compare(value, counterpart);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd8_00 && unit <= 0xdf_ff;
}

/** Strings are ordered by their UTF-8 bytes, which is the order of their code points. */
export function compareStrings(one: string, other: string): number {
  if (one === other) return 0;
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) {
      // UTF-16 puts the code points above U+FFFF, in surrogates, below U+E000 to U+FFFF.
      if (isSurrogate(a) === isSurrogate(b)) return a - b;
      return isSurrogate(a) ? 1 : -1;
    }
  }
  return one.length - other.length;
}
