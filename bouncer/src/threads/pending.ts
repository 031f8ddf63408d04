/** Questions to another thread, and who waits for the answers. */

export class Pending<T> {
  readonly #waiting = new Map<number, (answer: T) => void>();
  #last = 0;

  /** `post`: asks under this number. */
  ask(post: (id: number) => void): Promise<T> {
    this.#last += 1;
    const id = this.#last;
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.set(id, resolve);
    post(id);
    return promise;
  }

  settle(id: number, answer: T): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  /** No answer comes any more. */
  settleAll(answer: T): void {
    for (const id of this.#waiting.keys()) this.settle(id, answer);
  }
}
