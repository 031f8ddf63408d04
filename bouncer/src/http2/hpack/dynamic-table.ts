/** The fields that an encoder and its decoder both remember (RFC 7541, 2.3.2 and 4). Pure. */
import type { Field } from "./field.ts";

/** Hears of each field that leaves, with its number: the first that ever came in has 0. */
export type OnEvict = (field: Field, number: number) => void;

export class DynamicTable {
  readonly #onEvict: OnEvict | null;
  /** By number modulo length, which is a power of two. */
  #ring: (Field | undefined)[] = [];
  #maxSize: number;
  #size = 0;
  #count = 0;
  #added = 0;

  constructor(maxSize: number, onEvict: OnEvict | null) {
    this.#maxSize = maxSize;
    this.#onEvict = onEvict;
  }

  get maxSize(): number {
    return this.#maxSize;
  }

  /** As RFC 7541, 4.1 counts it. */
  get size(): number {
    return this.#size;
  }

  get count(): number {
    return this.#count;
  }

  /** How many fields ever came in: the number of the next. */
  get added(): number {
    return this.#added;
  }

  /** 0 is the newest. */
  get(index: number): Field | undefined {
    if (index >= this.#count) return undefined;
    return this.#ring[(this.#added - 1 - index) & (this.#ring.length - 1)];
  }

  /** Evicts what it needs to (RFC 7541, 4.4); a field larger than the table leaves it empty. */
  add(field: Field): void {
    this.#evictTo(this.#maxSize - field.size);
    if (field.size > this.#maxSize) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.#added & (this.#ring.length - 1)] = field;
    this.#added += 1;
    this.#count += 1;
    this.#size += field.size;
  }

  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#evictTo(maxSize);
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.#count > 0) {
      const number = this.#added - this.#count;
      const at = number & (this.#ring.length - 1);
      const field = this.#ring[at];
      this.#ring[at] = undefined;
      this.#count -= 1;
      if (field === undefined) continue;
      this.#size -= field.size;
      this.#onEvict?.(field, number);
    }
  }

  #grow(): void {
    const length = Math.max(8, this.#ring.length * 2);
    const ring: (Field | undefined)[] = Array.from({ length }, () => undefined);
    const first = this.#added - this.#count;
    for (let number = first; number < this.#added; number += 1) {
      ring[number & (length - 1)] = this.#ring[number & (this.#ring.length - 1)];
    }
    this.#ring = ring;
  }
}
