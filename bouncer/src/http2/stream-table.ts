/**
 * The streams of a connection by their numbers. No `Map`: V8 makes a map anew after some insertions
 * and deletions, and the old ones keep what they held until the old generation is collected
 * (../proxy/in-flight.ts). Numbers that a peer gives are consecutive, so each mostly has its place.
 */

const smallest = 8;

export class StreamTable<S> {
  /** Twice as many places as there are streams at least, a power of two. 0: nobody's. */
  #ids: number[] = filled(smallest, 0);
  #streams: (S | null)[] = filled(smallest, null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): S | undefined {
    return this.#streams[this.#find(id)] ?? undefined;
  }

  /** There is none of its number. */
  add(id: number, stream: S): void {
    if (this.#size * 2 >= this.#ids.length) this.#grow();
    this.#put(this.#find(id), id, stream);
    this.#size += 1;
  }

  /** Says whether it was there. */
  delete(id: number): boolean {
    let gap = this.#find(id);
    if (this.#idAt(gap) === 0) return false;
    // Whoever is not at its own place because of it moves up.
    for (let at = this.#after(gap); this.#idAt(at) !== 0; at = this.#after(at)) {
      const wanted = this.#placeOf(this.#idAt(at));
      const isBetween = gap < at ? gap < wanted && wanted <= at : gap < wanted || wanted <= at;
      if (isBetween) continue;
      this.#put(gap, this.#idAt(at), this.#streams[at] ?? null);
      gap = at;
    }
    this.#put(gap, 0, null);
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#ids = filled(smallest, 0);
    this.#streams = filled(smallest, null);
    this.#size = 0;
  }

  /** In no order. Streams may be deleted meanwhile: those do not come any more. */
  *values(): Iterable<S> {
    for (const id of this.#ids.filter((one) => one !== 0)) {
      const stream = this.get(id);
      if (stream !== undefined) yield stream;
    }
  }

  /** Where it is, or would be. */
  #find(id: number): number {
    let at = this.#placeOf(id);
    while (this.#idAt(at) !== id && this.#idAt(at) !== 0) at = this.#after(at);
    return at;
  }

  #idAt(place: number): number {
    return this.#ids[place] ?? 0;
  }

  /** Of two numbers only one is of the side that begins streams. */
  #placeOf(id: number): number {
    return (id >>> 1) & (this.#ids.length - 1);
  }

  #after(place: number): number {
    return (place + 1) & (this.#ids.length - 1);
  }

  #put(place: number, id: number, stream: S | null): void {
    this.#ids[place] = id;
    this.#streams[place] = stream;
  }

  #grow(): void {
    const [ids, streams] = [this.#ids, this.#streams];
    this.#ids = filled(ids.length * 2, 0);
    this.#streams = filled(ids.length * 2, null);
    for (const [at, id] of ids.entries()) {
      if (id !== 0) this.#put(this.#find(id), id, streams[at] ?? null);
    }
  }
}

function filled<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}
