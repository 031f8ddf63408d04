/**
 * What a peer may still send (RFC 9113, 5.2 and 6.9): counted down as it sends, and opened again,
 * in large steps, as what came is taken. Pure.
 */
export class ReceiveWindow {
  #size: number;
  /** What the peer may send as far as it knows. */
  #open: number;
  /** Taken, but not told yet. */
  #taken = 0;

  /** `open`: what the peer takes it for before it is told anything. */
  constructor(size: number, open: number = size) {
    this.#size = size;
    this.#open = open;
    this.#taken = size - open;
  }

  /** False: the peer has sent more than it may. */
  receive(bytes: number): boolean {
    this.#open -= bytes;
    return this.#open >= 0;
  }

  /** So many bytes were taken; answers what to tell the peer now, or 0. */
  release(bytes: number): number {
    this.#taken += bytes;
    // Half of it, so that the peer need not wait; not less, so that it is told rarely.
    return this.#taken * 2 >= this.#size ? this.#tell() : 0;
  }

  /** A receiver that is quick may have more under way; answers what to tell the peer. */
  grow(size: number): number {
    this.#taken += size - this.#size;
    this.#size = size;
    return this.#tell();
  }

  get size(): number {
    return this.#size;
  }

  #tell(): number {
    const bytes = this.#taken;
    this.#taken = 0;
    this.#open += bytes;
    return bytes;
  }
}
