/**
 * One question to the policy over all the evaluations that it takes: what they are told of clock,
 * chance and network stays the same, so that asking again gives what waiting would have given.
 */
import { randomBytes } from "node:crypto";
import { type Call, type Query, TimeIsUp } from "./builtin.ts";
import { keyOfCall } from "./network/call-key.ts";
import { parseTerm, printTerm } from "./term.ts";
import type { Value } from "./value.ts";

/** What a query has been told, as terms: it can be posted to another thread. */
export interface QueryState {
  /** Nanoseconds since the epoch. */
  readonly nowNs: bigint;
  readonly memory: readonly (readonly [key: string, term: string])[];
  /** null: the call has failed. */
  readonly answers: readonly (readonly [call: string, term: string | null])[];
  readonly unanswered: readonly { readonly name: string; readonly operands: readonly string[] }[];
  readonly isPure: boolean;
}

/** A simple step of a built-in, such as one character in one state of an automaton. */
const stepMs = 0.000_02;

export class OpenQuery implements Query {
  #memory: Map<string, Value> | null = null;
  /** Whether the evaluation that is running now has to end, if it would take so much longer. */
  isLate: (comingMs: number) => boolean = () => false;
  readonly #clock: () => bigint;
  #nowNs: bigint | null = null;
  // Hardly any decision needs these.
  #answers: Map<string, Value | null> | null = null;
  #unanswered: Map<string, Call> | null = null;
  #isPure = true;

  /** `clock`: nanoseconds since the epoch; asked once at most. */
  constructor(clock: () => bigint) {
    this.#clock = clock;
  }

  static from(state: QueryState): OpenQuery {
    const query = new OpenQuery(() => state.nowNs);
    query.restore(state);
    return query;
  }

  get memory(): Map<string, Value> {
    this.#memory ??= new Map();
    return this.#memory;
  }

  now(): bigint {
    this.#isPure = false;
    return this.#instant();
  }

  random(count: number): Uint8Array {
    this.#isPure = false;
    return randomBytes(count);
  }

  answer(call: Call): Value | undefined {
    this.#isPure = false;
    const key = keyOfCall(call);
    const answer = this.#answers?.get(key);
    if (answer === undefined) {
      this.#unanswered ??= new Map();
      this.#unanswered.set(key, call);
    }
    return answer ?? undefined;
  }

  checkTime(steps = 0): void {
    if (this.isLate(steps * stepMs)) throw new TimeIsUp("a built-in function took too long");
  }

  /** The decision depended on nothing but its input and the data. */
  isPure(): boolean {
    return this.#isPure;
  }

  hasUnanswered(): boolean {
    return this.#unanswered !== null && this.#unanswered.size > 0;
  }

  /** The calls that wait for an answer; they are handed out once. */
  takeUnanswered(): readonly Call[] {
    const calls = [...(this.#unanswered?.values() ?? [])];
    this.#unanswered = null;
    return calls;
  }

  setAnswer(call: Call, answer: Value | null): void {
    this.#answers ??= new Map();
    this.#answers.set(keyOfCall(call), answer);
  }

  save(): QueryState {
    return {
      nowNs: this.#instant(),
      memory: [...(this.#memory ?? [])].map(([key, value]) => [key, printTerm(value)]),
      answers: [...(this.#answers ?? [])].map(([key, value]) => [
        key,
        value === null ? null : printTerm(value),
      ]),
      unanswered: [...(this.#unanswered?.values() ?? [])].map(({ name, operands }) => ({
        name,
        operands: operands.map(printTerm),
      })),
      isPure: this.#isPure,
    };
  }

  /** Goes on where another thread, which began with `save`, has stopped. */
  restore(state: QueryState): void {
    this.#nowNs = state.nowNs;
    this.#isPure = state.isPure;
    this.#memory = new Map(state.memory.map(([key, term]) => [key, parseTerm(term)]));
    this.#answers = new Map(
      state.answers.map(([key, term]) => [key, term === null ? null : parseTerm(term)]),
    );
    const calls = state.unanswered.map(({ name, operands }) => ({
      name,
      operands: operands.map(parseTerm),
    }));
    this.#unanswered = new Map(calls.map((call) => [keyOfCall(call), call]));
  }

  #instant(): bigint {
    this.#nowNs ??= this.#clock();
    return this.#nowNs;
  }
}
