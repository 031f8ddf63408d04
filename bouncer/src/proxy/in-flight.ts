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

export class InFlight {
  readonly #all = new Set<UnderWay>();

  get count(): number {
    return this.#all.size;
  }

  add(one: UnderWay): void {
    this.#all.add(one);
  }

  delete(one: UnderWay): void {
    this.#all.delete(one);
  }

  check(now: number): void {
    for (const one of this.#all) one.check(now);
  }

  onPolicyChange(): void {
    for (const one of this.#all) one.onPolicyChange();
  }
}
