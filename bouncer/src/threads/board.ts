/**
 * What all threads see at the same time, in memory that they share: which sets of bundles decide, so
 * that no request is decided by another one from the moment of a switch on; how much is under way in
 * each, so that the limit holds for the process; and whether it is draining. Only the main thread
 * writes, but for what is under way, which each thread writes for itself.
 */

const cell = { current: 0, candidate: 1, isDraining: 2 } as const;
/** In cells: threads that write side by side do not take each other's line of the cache. */
const stride = 16;

/** Numbers of sets; 0: there is none. */
export interface Deciding {
  readonly current: number;
  readonly candidate: number;
  /** The candidate is enforced, and the current set watched. */
  readonly isEnforced: boolean;
}

export class Board {
  /** To be posted to the other threads. */
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #threads: number;

  constructor(threads: number, memory?: SharedArrayBuffer) {
    this.#threads = threads;
    const bytes = (threads + 1) * stride * Int32Array.BYTES_PER_ELEMENT;
    this.memory = memory ?? new SharedArrayBuffer(bytes);
    this.#cells = new Int32Array(this.memory);
  }

  get current(): number {
    return Atomics.load(this.#cells, cell.current);
  }

  get candidate(): number {
    return Atomics.load(this.#cells, cell.candidate) >> 1;
  }

  /** This candidate, and no other one, is enforced. */
  isEnforced(candidate: number): boolean {
    return Atomics.load(this.#cells, cell.candidate) === (candidate << 1) + 1;
  }

  setDeciding({ current, candidate, isEnforced }: Deciding): void {
    Atomics.store(this.#cells, cell.current, current);
    // With the number in one cell: nobody sees one candidate and what holds for another.
    Atomics.store(this.#cells, cell.candidate, (candidate << 1) + Number(isEnforced));
  }

  get isDraining(): boolean {
    return Atomics.load(this.#cells, cell.isDraining) === 1;
  }

  setDraining(): void {
    Atomics.store(this.#cells, cell.isDraining, 1);
  }

  /** Under way in this thread now. */
  setUnderWay(thread: number, count: number): void {
    Atomics.store(this.#cells, (thread + 1) * stride, count);
  }

  /** Records that this thread has not handed over. */
  setHeld(thread: number, count: number): void {
    Atomics.store(this.#cells, (thread + 1) * stride + 1, count);
  }

  countHeld(thread: number): number {
    return Atomics.load(this.#cells, (thread + 1) * stride + 1);
  }

  /** In all threads. */
  countUnderWay(): number {
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      sum += Atomics.load(this.#cells, (thread + 1) * stride);
    }
    return sum;
  }
}
