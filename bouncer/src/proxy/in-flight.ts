/**
 * All that is under way: requests, upgraded and opaque connections. Counted, looked at now and then
 * for what has taken too long, and asked again when the policy has changed. One timer for all: a
 * timer for each request would cost more than deciding it.
 */

export interface UnderWay {
  /** Kept by `InFlight`; -1: it is not under way. */
  place: number;
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

/**
 * An array, and no `Set`: V8 makes a set anew after some insertions and deletions, the old one refers
 * to the new one, and to what it held. Once one of them has been there for long enough to be of the
 * old generation, all that follow are kept with it, and so were all requests: until the old
 * generation was collected, ten times as often as without.
 */
export class InFlight {
  readonly #all: UnderWay[] = [];
  readonly #shared: SharedCount | null;

  /** null: there is no other thread. */
  constructor(shared: SharedCount | null = null) {
    this.#shared = shared;
  }

  /** In this thread. */
  get count(): number {
    return this.#all.length;
  }

  /** In the process. */
  get total(): number {
    return this.#shared === null ? this.#all.length : this.#shared.total();
  }

  add(one: UnderWay): void {
    one.place = this.#all.length;
    this.#all.push(one);
    this.#shared?.set(this.#all.length);
  }

  /** The last one takes its place. */
  delete(one: UnderWay): void {
    const { place } = one;
    if (place === -1) return;
    one.place = -1;
    const last = this.#all.pop();
    if (last !== undefined && last !== one) {
      this.#all[place] = last;
      last.place = place;
    }
    this.#shared?.set(this.#all.length);
  }

  check(now: number): void {
    this.#each((one) => {
      one.check(now);
    });
  }

  onPolicyChange(): void {
    this.#each((one) => {
      one.onPolicyChange();
    });
  }

  /** From the last one on: what ends meanwhile is replaced by one that had its turn. */
  #each(visit: (one: UnderWay) => void): void {
    for (let at = this.#all.length - 1; at >= 0; at -= 1) {
      const one = this.#all[at];
      if (one !== undefined) visit(one);
    }
  }
}
