/**
 * Field blocks to fields (RFC 7541, 3), in bounds, whatever the bytes are. Fields in a table are
 * made once and handed out again and again.
 */
import { defaultSettings } from "../settings.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { type CheckField, type Field, fieldSize } from "./field.ts";
import { decodeHuffman, mostDecodedBytes } from "./huffman.ts";
import { staticTable } from "./static-table.ts";

export interface HpackDecoderOptions {
  /** What we have told the peer by SETTINGS_HEADER_TABLE_SIZE. */
  readonly maxTableSize: number;
  /** Of all fields of one block, as RFC 9113, 6.5.2 counts it. */
  readonly maxListSize: number;
  readonly check: CheckField;
}

/**
 * `oversized`: the block is in order, but only its first fields, up to the limit, were handed out.
 * `malformed`: the connection must end with COMPRESSION_ERROR, as nothing more can be decoded on it.
 */
export type Decoded =
  | { readonly kind: "list"; readonly size: number }
  | { readonly kind: "oversized"; readonly size: number }
  | { readonly kind: "malformed"; readonly detail: string };

/** Far more than any length or index that can be in order here. */
const mostInteger = 0x0fffffff;
const failed = -1;
const defaultTableSize = defaultSettings.headerTableSize;
/** RFC 7541, 4.2: the smallest size that there was, and the last. */
const mostSizeUpdates = 2;

/** For strings in Huffman's code; all decoders share it, as none is interrupted. */
let scratch = Buffer.allocUnsafeSlow(4096);

export class HpackDecoder {
  readonly #options: HpackDecoderOptions;
  readonly #table: DynamicTable;
  #maxTableSize: number;
  /** The peer was told of a smaller table, and must say next that it has understood. */
  #mustShrinkTo: number | null = null;
  #block: Buffer = scratch;
  #at = 0;
  #detail = "";

  constructor(options: HpackDecoderOptions) {
    this.#options = options;
    // Until the peer has read our settings it counts on the default.
    this.#maxTableSize = Math.max(defaultTableSize, options.maxTableSize);
    this.#table = new DynamicTable(defaultTableSize, null);
  }

  /** The peer has acknowledged this SETTINGS_HEADER_TABLE_SIZE (RFC 9113, 4.3.1). */
  limitTable(maxTableSize: number): void {
    this.#maxTableSize = maxTableSize;
    if (maxTableSize < this.#table.maxSize) {
      this.#mustShrinkTo = Math.min(maxTableSize, this.#mustShrinkTo ?? maxTableSize);
    }
  }

  decode(block: Buffer, visit: (field: Field) => void): Decoded {
    this.#block = block;
    this.#at = 0;
    let size = 0;
    const { maxListSize } = this.#options;
    if (!this.#readSizeUpdates()) return this.#malformed();
    while (this.#at < block.length) {
      const field = this.#readField(block[this.#at] ?? 0);
      if (field === null) return this.#malformed();
      size += field.size;
      if (size <= maxListSize) visit(field);
    }
    this.#block = scratch;
    return { kind: size <= maxListSize ? "list" : "oversized", size };
  }

  #malformed(): Decoded {
    this.#block = scratch;
    return { kind: "malformed", detail: this.#detail };
  }

  #fail(detail: string): null {
    this.#detail = detail;
    return null;
  }

  /** Only at the beginning of a block (RFC 7541, 4.2). */
  #readSizeUpdates(): boolean {
    let count = 0;
    while (((this.#block[this.#at] ?? 0) & 0xe0) === 0x20) {
      const size = this.#readInteger(0x1f);
      count += 1;
      if (size === failed) return false;
      if (size > this.#maxTableSize || count > mostSizeUpdates) {
        this.#detail =
          count > mostSizeUpdates
            ? `more than ${mostSizeUpdates} changes of the size of the table`
            : `a table of ${size} bytes, at most ${this.#maxTableSize} are accepted`;
        return false;
      }
      if (this.#mustShrinkTo !== null && size <= this.#mustShrinkTo) this.#mustShrinkTo = null;
      this.#table.resize(size);
    }
    if (this.#mustShrinkTo === null) return true;
    this.#detail = `the table was not made smaller, to ${this.#mustShrinkTo} bytes`;
    return false;
  }

  #readField(first: number): Field | null {
    if (first >= 0x80) return this.#readIndexed();
    if (first >= 0x40) {
      const field = this.#readLiteral(0x3f, false);
      if (field !== null) this.#table.add(field);
      return field;
    }
    if (first < 0x20) return this.#readLiteral(0x0f, first >= 0x10);
    return this.#fail("a change of the size of the table behind a field");
  }

  #readIndexed(): Field | null {
    const index = this.#readInteger(0x7f);
    return index === failed ? null : this.#fieldAt(index);
  }

  #fieldAt(index: number): Field | null {
    const field =
      index <= staticTable.length
        ? staticTable[index - 1]
        : this.#table.get(index - staticTable.length - 1);
    return field ?? this.#fail(`no field has the index ${index}`);
  }

  #readLiteral(prefix: number, isSensitive: boolean): Field | null {
    const index = this.#readInteger(prefix);
    if (index === failed) return null;
    const name = index === 0 ? this.#readString() : this.#fieldAt(index)?.name;
    if (name === undefined || name === null) return null;
    const value = this.#readString();
    if (value === null) return null;
    const fault = this.#options.check(name, value);
    return { name, value, size: fieldSize(name, value), isSensitive, fault };
  }

  /** RFC 7541, 5.1; `failed`: it is cut off, or too large. */
  #readInteger(prefix: number): number {
    const block = this.#block;
    let value = (block[this.#at] ?? 0) & prefix;
    this.#at += 1;
    if (value < prefix) return value;
    for (let shift = 0; this.#at < block.length; shift += 7) {
      const byte = block[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) << shift;
      if (shift > 21 || value > mostInteger) {
        this.#fail("a number is too large, or too long");
        return failed;
      }
      if (byte < 0x80) return value;
    }
    this.#fail("the block ends within a number");
    return failed;
  }

  #readString(): string | null {
    if (this.#at >= this.#block.length) return this.#fail("the block ends before a string");
    const isCoded = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#readInteger(0x7f);
    if (length === failed) return null;
    const from = this.#at;
    const end = from + length;
    if (end > this.#block.length) return this.#fail("the block ends within a string");
    this.#at = end;
    if (!isCoded) return this.#block.toString("latin1", from, end);
    const most = mostDecodedBytes(length);
    if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
    const count = decodeHuffman(this.#block, { from, end }, scratch);
    if (count < 0) return this.#fail("a string in Huffman's code is broken");
    return scratch.toString("latin1", 0, count);
  }
}
