/**
 * DER, as strict as Go's x509 parser: one way to write each value, no indefinite lengths, no tags
 * above 30. What is malformed throws BuiltinError. Pure.
 */
import { BuiltinError } from "../builtin.ts";

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag `[number]`, around other values (`isConstructed`) or in place of a value's own tag. */
export function contextTag(number: number, isConstructed: boolean): number {
  return 0x80 + (isConstructed ? 0x20 : 0) + number;
}

export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly raw: Uint8Array;
}

export interface BitString {
  readonly bytes: Uint8Array;
  readonly unusedBits: number;
}

/** Reads one value after the other. */
export class Der {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Whether the next value has this tag. */
  peeks(tag: number): boolean {
    return this.#bytes[this.#at] === tag;
  }

  any(): Element {
    const tag = this.#byte(this.#at);
    const start = this.#at;
    const [length, from] = this.#length(start + 1);
    if ((tag & 0x1f) === 0x1f || from + length > this.#bytes.length) throw malformed();
    this.#at = from + length;
    return {
      tag,
      content: this.#bytes.subarray(from, this.#at),
      raw: this.#bytes.subarray(start, this.#at),
    };
  }

  element(tag: number): Element {
    if (!this.peeks(tag)) throw malformed();
    return this.any();
  }

  content(tag: number): Uint8Array {
    return this.element(tag).content;
  }

  inside(tag: number): Der {
    return new Der(this.content(tag));
  }

  optional(tag: number): Der | null {
    return this.peeks(tag) ? this.inside(tag) : null;
  }

  integer(tag: number = tags.integer): bigint {
    return toInteger(this.content(tag));
  }

  boolean(): boolean {
    const content = this.content(tags.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed();
    return content[0] === 0xff;
  }

  oid(): readonly number[] {
    return toOid(this.content(tags.oid));
  }

  bitString(): BitString {
    const content = this.content(tags.bitString);
    const unusedBits = content[0] ?? 8;
    const bytes = content.subarray(1);
    const last = bytes.at(-1) ?? 0;
    const isWhole = unusedBits === 0 || bytes.length > 0;
    if (unusedBits > 7 || !isWhole || (last & ((1 << unusedBits) - 1)) !== 0) throw malformed();
    return { bytes, unusedBits };
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw malformed();
    return byte;
  }

  /** The length that is written at `at`, and where what follows it begins. */
  #length(at: number): readonly [number, number] {
    const first = this.#byte(at);
    if (first < 0x80) return [first, at + 1];
    const count = first - 0x80;
    if (count === 0 || count > 4) throw malformed();
    let length = 0;
    for (let index = 1; index <= count; index += 1) length = length * 256 + this.#byte(at + index);
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed();
    return [length, at + 1 + count];
  }
}

function malformed(): BuiltinError {
  return new BuiltinError("malformed DER");
}

export function toInteger(content: Uint8Array): bigint {
  const [first, second = 0] = content;
  const isPadded =
    content.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80);
  if (first === undefined || isPadded) throw malformed();
  const size = toUnsigned(content);
  return first < 0x80 ? size : size - (1n << BigInt(8 * content.length));
}

export function toUnsigned(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`);
}

/** Big-endian, in `length` bytes: the number has to fit. */
export function fromUnsigned(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16).padStart(length * 2, "0");
  return Uint8Array.from({ length }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  );
}

function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** An object identifier's arcs: the first two share a number. */
export function toOid(content: Uint8Array): readonly number[] {
  return toArcs(content, 31).map(Number);
}

/** As `toOid`, with arcs of as many bits. */
export function toArcs(content: Uint8Array, maxBits: number): readonly bigint[] {
  const numbers: bigint[] = [];
  let value = 0n;
  let isStart = true;
  for (const byte of content) {
    if (isStart && byte === 0x80) throw malformed();
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (value >> BigInt(maxBits) !== 0n) throw malformed();
    isStart = byte < 0x80;
    if (isStart) {
      numbers.push(value);
      value = 0n;
    }
  }
  const [first, ...rest] = numbers;
  if (first === undefined || !isStart) throw malformed();
  return first < 80n ? [first / 40n, first % 40n, ...rest] : [2n, first - 80n, ...rest];
}
