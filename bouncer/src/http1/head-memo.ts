/**
 * The bytes that came last on a connection in one place, and what was made of them. Clients and
 * applications mostly send the same headers again, and to see that they did costs a tenth of
 * reading them anew.
 */

/** Beyond this, it is not kept: thousands of connections may be idle. */
const maxBytes = 2048;

export class HeadMemo<T> {
  #bytes: Buffer | null = null;
  #length = 0;
  #made: T | null = null;

  /** null: these are other bytes. */
  find(bytes: Buffer, from: number, to: number): T | null {
    const last = this.#bytes;
    if (last === null || this.#length !== to - from) return null;
    return last.compare(bytes, from, to, 0, this.#length) === 0 ? this.#made : null;
  }

  keep(bytes: Buffer, from: number, to: number, made: T): T {
    const length = to - from;
    if (length > maxBytes) {
      this.clear();
      return made;
    }
    if (this.#bytes === null || this.#bytes.length < length) {
      this.#bytes = Buffer.allocUnsafeSlow(length);
    }
    bytes.copy(this.#bytes, 0, from, to);
    this.#length = length;
    this.#made = made;
    return made;
  }

  clear(): void {
    this.#bytes = null;
    this.#length = 0;
    this.#made = null;
  }
}
