/** The problems of one document with one schema, and how near it has come. Pure. */
import { BuiltinError, type Query } from "../../builtin.ts";
import type { Place, Problem } from "./messages.ts";

/** References and alternatives can make few schemas do very much work. */
const maxSteps = 300_000;
const maxDepth = 500;

export class Work {
  readonly #query: Query;
  #steps = 0;
  #depth = 0;

  constructor(query: Query) {
    this.#query = query;
  }

  /** One more check, inside of those that are going on. */
  within(run: () => void): void {
    this.#steps += 1;
    this.#depth += 1;
    if (this.#steps > maxSteps) throw new BuiltinError("the schema takes too long to check");
    if (this.#depth > maxDepth) throw new BuiltinError("the schema or the document is too deep");
    if (this.#steps % 1000 === 0) this.#query.checkTime();
    run();
    this.#depth -= 1;
  }
}

export class Result {
  readonly problems: Problem[] = [];
  /** Of several alternatives that all fail, the problems of the one with the most are told. */
  score = 0;

  get isValid(): boolean {
    return this.problems.length === 0;
  }

  add(type: string, place: Place | null, text: string): void {
    this.problems.push({ type, place, text });
    this.score -= 2;
  }

  merge(other: Result | null): void {
    if (other === null) return;
    this.problems.push(...other.problems);
    this.score += other.score;
  }

  count(): void {
    this.score += 1;
  }
}
