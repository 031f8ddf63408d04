/** What a connection has read and nobody has taken yet. */

export class Input {
  bytes: Buffer | null = null;
  at = 0;
  /** Up to here, the end of a head was looked for in vain. */
  searched = 0;
  /** The bytes are a copy of ours, and stay as they are. */
  #isOurs = false;

  get length(): number {
    return this.bytes === null ? 0 : this.bytes.length - this.at;
  }

  /** `bytes` are only valid until `settle`. */
  add(bytes: Buffer): void {
    if (this.bytes === null) {
      this.bytes = bytes;
      this.#isOurs = false;
      this.#moveTo(0, 0);
    } else {
      this.bytes = Buffer.concat([this.bytes.subarray(this.at), bytes]);
      this.#isOurs = true;
      this.#moveTo(0, this.searched - this.at);
    }
  }

  /** Keeps what is left beyond the call in which it was read. */
  settle(): void {
    if (this.bytes === null) return;
    if (this.at >= this.bytes.length) this.clear();
    else if (!this.#isOurs) {
      this.bytes = Buffer.from(this.bytes.subarray(this.at));
      this.#isOurs = true;
      this.#moveTo(0, this.searched - this.at);
    }
  }

  /** All that is left, as bytes that last. */
  take(): Buffer {
    const rest = this.bytes === null ? Buffer.alloc(0) : Buffer.from(this.bytes.subarray(this.at));
    this.clear();
    return rest;
  }

  clear(): void {
    this.bytes = null;
    this.#moveTo(0, 0);
  }

  #moveTo(at: number, searched: number): void {
    this.at = at;
    this.searched = Math.max(at, searched);
  }
}
