/**
 * What a built-in function is: its operands and its query in, a value out. What makes the answer
 * depend on more than the operands (time, chance, network) can be had only from the query, which
 * notes it: such a decision is not remembered. Pure.
 */
import { RegoNumber } from "./number.ts";
import { isArray, RegoObject, RegoSet, type TypeName, typeOf, type Value } from "./value.ts";

/** `undefined` is Rego's undefined, and so is a thrown BuiltinError, as in OPA by default. */
export type Builtin = (operands: Operands, query: Query) => Value | undefined;

export type Builtins = Readonly<Record<string, Builtin>>;

/** The operands are not what the function can work on. */
export class BuiltinError extends Error {
  override readonly name = "BuiltinError";
}

/** The query's time is over; ends the evaluation. Built-ins let it pass. */
export class TimeIsUp extends Error {
  override readonly name = "TimeIsUp";
}

/** Work that has to wait for the network: done between two evaluations of the same query. */
export interface Call {
  /** Name of the built-in: `http.send`. */
  readonly name: string;
  readonly operands: readonly Value[];
}

/** One question to the policy, over all evaluations that it takes to answer it. */
export interface Query {
  /** Nanoseconds since the epoch; the same at each call. The decision depends on it from now on. */
  now(): bigint;
  /** Random bytes. The decision depends on them from now on. */
  random(count: number): Uint8Array;
  /**
   * The answer to an asynchronous call; `undefined` when the call has failed or is not answered
   * yet: then what is evaluated now is thrown away, the call is made, and all is evaluated again.
   */
  answer(call: Call): Value | undefined;
  /**
   * To be called in loops that operands can make long, and before work of so many simple steps that
   * cannot be stopped once it has begun. Throws TimeIsUp.
   */
  checkTime(steps?: number): void;
  /** What built-ins keep for this query: the same key gives the same value (`uuid.rfc4122`). */
  readonly memory: Map<string, Value>;
}

/** Operands by their place, from 0, as the function declares them; throws BuiltinError. */
export class Operands {
  readonly values: readonly Value[];

  constructor(values: readonly Value[]) {
    this.values = values;
  }

  value(index: number): Value {
    const value = this.values[index];
    if (value === undefined) throw new BuiltinError(`operand ${index + 1} is missing`);
    return value;
  }

  string(index: number): string {
    const value = this.value(index);
    return typeof value === "string" ? value : this.#fail(index, "string");
  }

  boolean(index: number): boolean {
    const value = this.value(index);
    return typeof value === "boolean" ? value : this.#fail(index, "boolean");
  }

  number(index: number): RegoNumber {
    const value = this.value(index);
    return value instanceof RegoNumber ? value : this.#fail(index, "number");
  }

  /** A whole number, however it is written: `1`, `1.0`, `1e3`. */
  integer(index: number): bigint {
    return this.number(index).toInteger() ?? this.#fail(index, "integer");
  }

  array(index: number): readonly Value[] {
    const value = this.value(index);
    return isArray(value) ? value : this.#fail(index, "array");
  }

  object(index: number): RegoObject {
    const value = this.value(index);
    return value instanceof RegoObject ? value : this.#fail(index, "object");
  }

  set(index: number): RegoSet {
    const value = this.value(index);
    return value instanceof RegoSet ? value : this.#fail(index, "set");
  }

  /** Members of an array or a set, the latter in Rego's order. */
  collection(index: number): readonly Value[] {
    const value = this.value(index);
    if (value instanceof RegoSet) return value.sorted();
    return isArray(value) ? value : this.#fail(index, "array", "set");
  }

  /** A string, or the strings of an array or a set. */
  strings(index: number): readonly string[] {
    const value = this.value(index);
    if (typeof value === "string") return [value];
    return this.collection(index).map((member) =>
      typeof member === "string" ? member : this.#fail(index, "string"),
    );
  }

  #fail(index: number, ...expected: readonly TypeName[] | readonly ["integer"]): never {
    const found = typeOf(this.value(index));
    throw new BuiltinError(
      `operand ${index + 1} must be ${expected.join(" or ")} but got ${found}`,
    );
  }
}
