/**
 * One question to the policy over all the evaluations that it takes: what they are told of clock,
 * chance and network stays the same, so that asking again gives what waiting would have given.
 */
import { randomBytes } from "node:crypto";
import { type Call, type Query, TimeIsUp } from "./builtin.ts";
import { printTerm } from "./term.ts";
import type { Value } from "./value.ts";

export interface QueryOptions {
  /** Nanoseconds since the epoch. */
  readonly nowNs: bigint;
  /** Whether the evaluation that is running now has to end. */
  readonly isLate: () => boolean;
}

export class OpenQuery implements Query {
  readonly memory = new Map<string, Value>();
  readonly #options: QueryOptions;
  /** null: the call has failed. */
  readonly #answers = new Map<string, Value | null>();
  readonly #unanswered = new Map<string, Call>();
  #isPure = true;

  constructor(options: QueryOptions) {
    this.#options = options;
  }

  now(): bigint {
    this.#isPure = false;
    return this.#options.nowNs;
  }

  random(count: number): Uint8Array {
    this.#isPure = false;
    return randomBytes(count);
  }

  answer(call: Call): Value | undefined {
    this.#isPure = false;
    const key = keyOfCall(call);
    const answer = this.#answers.get(key);
    if (answer === undefined) this.#unanswered.set(key, call);
    return answer ?? undefined;
  }

  checkTime(): void {
    if (this.#options.isLate()) throw new TimeIsUp("a built-in function took too long");
  }

  /** The decision depended on nothing but its input and the data. */
  isPure(): boolean {
    return this.#isPure;
  }

  /** The calls that wait for an answer; they are handed out once. */
  takeUnanswered(): readonly Call[] {
    const calls = [...this.#unanswered.values()];
    this.#unanswered.clear();
    return calls;
  }

  setAnswer(call: Call, answer: Value | null): void {
    this.#answers.set(keyOfCall(call), answer);
  }
}

function keyOfCall(call: Call): string {
  return `${call.name}(${call.operands.map(printTerm).join(",")})`;
}
