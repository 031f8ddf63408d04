/**
 * All that is under way: requests, upgraded and opaque connections. Counted, looked at now and then
 * for what has taken too long, and asked again when the policy has changed. One timer for all: a
 * timer for each request would cost more than deciding it.
 */

export interface UnderWay {
  /** About as often as the shortest of its time-outs asks for, with `performance.now()`. */
  check(now: number): void;
  /** Another policy decides from now on. */
  onPolicyChange(): void;
}

/** The count of several threads together. */
export interface SharedCount {
  /** Of this thread, which has changed. */
  set(count: number): void;
  total(): number;
}

export class InFlight {
  readonly #all = new Set<UnderWay>();
  readonly #shared: SharedCount | null;

  /** null: there is no other thread. */
  constructor(shared: SharedCount | null = null) {
    this.#shared = shared;
  }

  /** In this thread. */
  get count(): number {
    return this.#all.size;
  }

  /** In the process. */
  get total(): number {
    return this.#shared === null ? this.#all.size : this.#shared.total();
  }

  add(one: UnderWay): void {
    this.#all.add(one);
    this.#shared?.set(this.#all.size);
  }

  delete(one: UnderWay): void {
    this.#all.delete(one);
    this.#shared?.set(this.#all.size);
  }

  check(now: number): void {
    for (const one of this.#all) one.check(now);
  }

  onPolicyChange(): void {
    for (const one of this.#all) one.onPolicyChange();
  }
}
