/**
 * Reads the binary format of WebAssembly (core specification 2.0, chapter 5), as far as it has to be
 * understood to put code in. Pure.
 */

/** The module is not one that can be understood, or not one of OPA. */
export class MeterError extends Error {
  override readonly name = "MeterError";
}

export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw new MeterError(`it is cut off at ${this.at}`);
    this.at += 1;
    return byte;
  }

  unsigned(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MeterError(`there is no number at ${this.at}`);
  }

  /** LEB128 of any kind, its value unseen. */
  skipNumber(): void {
    const { bytes, end } = this;
    let { at } = this;
    // Beyond the end there is nothing, which is no byte with a successor either.
    while ((bytes[at] ?? 0) >= 0x80) at += 1;
    if (at >= end) throw new MeterError(`it is cut off at ${end}`);
    this.at = at + 1;
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) throw new MeterError(`it is cut off at ${this.end}`);
  }

  skipMany(skipOne: () => void): void {
    for (let left = this.unsigned(); left > 0; left -= 1) skipOne();
  }

  name(): string {
    const length = this.unsigned();
    const from = this.at;
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(from, this.at));
  }

  /** The least of them. */
  limits(): number {
    const flags = this.byte();
    const least = this.unsigned();
    if ((flags & 1) === 1) this.skipNumber();
    return least;
  }
}

export interface Section {
  readonly id: number;
  readonly from: number;
  readonly end: number;
}

export function readSections(wasm: Uint8Array): readonly Section[] {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (header.some((byte, at) => wasm[at] !== byte)) throw new MeterError("it is not WebAssembly");
  const reader = new Reader(wasm, header.length);
  const sections: Section[] = [];
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const length = reader.unsigned();
    const from = reader.at;
    reader.skip(length);
    sections.push({ id, from, end: reader.at });
  }
  return sections;
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(size(parts));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function size(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** LEB128. */
export function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** Of a positive number: one more group when its sign bit would be taken for a minus. */
export function signed(value: number): Uint8Array {
  const bytes = unsigned(value);
  const last = bytes.at(-1) ?? 0;
  if (last < 0x40) return bytes;
  return Uint8Array.from([...bytes.slice(0, -1), last | 0x80, 0]);
}
