/**
 * A decision as it is made: one object, of the same form each time, and nothing is built for it that
 * nobody may ask for.
 */
import { randomUUID } from "node:crypto";
import type { BundleIdentity, Decision, Verdict, Watched } from "./decision.ts";
import type { InputDocument } from "./input.ts";

/** What another policy said to the same can still be added. */
export interface OpenDecision extends Decision {
  watched: Watched | null;
}

export interface Question {
  readonly path: string;
  /** null: there is no policy. */
  readonly set: {
    readonly identity: BundleIdentity;
    readonly identities: readonly BundleIdentity[];
  } | null;
  /** null: none was built. */
  readonly document: InputDocument | null;
}

export interface Decided {
  readonly verdict: Verdict;
  readonly result: unknown;
  readonly cached: boolean;
  readonly evaluationNs: number;
}

const none: readonly BundleIdentity[] = [];

export class Ruling implements OpenDecision {
  readonly id: string = randomUUID();
  readonly path: string;
  readonly bundle: BundleIdentity | null;
  readonly bundles: readonly BundleIdentity[];
  readonly inputText: string | undefined;
  readonly verdict: Verdict;
  readonly result: unknown;
  readonly cached: boolean;
  readonly remembered: object | null;
  readonly evaluationNs: number;
  watched: Watched | null = null;
  readonly #document: InputDocument | null;

  constructor({ path, set, document }: Question, decided: Decided) {
    this.path = path;
    this.bundle = set?.identity ?? null;
    this.bundles = set?.identities ?? none;
    this.inputText = document?.text;
    this.#document = document;
    this.verdict = decided.verdict;
    this.result = decided.result;
    this.cached = decided.cached;
    this.remembered = decided.cached ? decided : null;
    this.evaluationNs = decided.evaluationNs;
  }

  get input(): unknown {
    return this.#document?.input ?? null;
  }
}
