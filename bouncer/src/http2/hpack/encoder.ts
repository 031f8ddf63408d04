/** Fields to field blocks (RFC 7541, 2.4 and 6). */
import { defaultSettings } from "../settings.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { type Field, fieldSize } from "./field.ts";
import { encodeHuffman, huffmanBytes } from "./huffman.ts";
import type { DecideIndexing } from "./indexing.ts";
import { staticTable } from "./static-table.ts";

export interface HpackEncoderOptions {
  /** What we are ready to remember, whatever the peer allows. */
  readonly maxTableSize: number;
  readonly decide: DecideIndexing;
}

interface StaticName {
  readonly index: number;
  readonly values: Map<string, number>;
}

/** Fields in the table that have one name. */
interface DynamicName {
  newest: number;
  /** To the number that the field has in the table. */
  readonly values: Map<string, number>;
}

/** For blocks that are being made; all encoders share it, as none is interrupted. */
let scratch = Buffer.allocUnsafeSlow(4096);

const questionMark = 0x3f;
/** What a character has in UTF-8. */
const mostBytes = 3;
const staticNames = indexStaticTable();

function indexStaticTable(): ReadonlyMap<string, StaticName> {
  const names = new Map<string, StaticName>();
  for (const [at, field] of staticTable.entries()) {
    const known = names.get(field.name) ?? { index: at + 1, values: new Map<string, number>() };
    names.set(field.name, known);
    known.values.set(field.value, at + 1);
  }
  return names;
}

/** A block is `begin`, a `field` for each, `end`. */
export class HpackEncoder {
  readonly #options: HpackEncoderOptions;
  readonly #table: DynamicTable;
  readonly #names = new Map<string, DynamicName>();
  /** Sizes of the table that the next block must tell of: the smallest that there was, the last. */
  #sizeUpdates: number[] = [];
  #at = 0;

  constructor(options: HpackEncoderOptions) {
    this.#options = options;
    this.#table = new DynamicTable(defaultSettings.headerTableSize, (field, number) => {
      this.#forget(field, number);
    });
    this.limitTable(defaultSettings.headerTableSize);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; until then it is 4096. */
  limitTable(peerMaxSize: number): void {
    const maxSize = Math.min(peerMaxSize, this.#options.maxTableSize);
    if (maxSize === this.#table.maxSize) return;
    this.#table.resize(maxSize);
    const least = Math.min(maxSize, ...this.#sizeUpdates);
    this.#sizeUpdates = least < maxSize ? [least, maxSize] : [maxSize];
  }

  begin(): void {
    this.#at = 0;
    if (this.#sizeUpdates.length === 0) return;
    this.#reserve(16);
    for (const size of this.#sizeUpdates) this.#integer(0x20, 0x1f, size);
    this.#sizeUpdates = [];
  }

  /** The name in lower case. `isSensitive`: its sender wants it in nobody's table. */
  field(name: string, value: string, isSensitive: boolean): void {
    this.#reserve(16 + mostBytes * (name.length + value.length));
    const own = this.#names.get(name);
    const number = own?.values.get(value);
    if (number !== undefined && !isSensitive) {
      this.#integer(0x80, 0x7f, this.#indexOf(number));
      return;
    }
    const known = staticNames.get(name);
    const index = known?.values.get(value);
    if (index !== undefined && !isSensitive) {
      this.#integer(0x80, 0x7f, index);
      return;
    }
    const nameIndex = known?.index ?? (own === undefined ? 0 : this.#indexOf(own.newest));
    this.#literal({ name, value, isSensitive }, nameIndex);
  }

  /** Of memory that all encoders share: to be copied before the next block is begun. */
  end(): Buffer {
    return scratch.subarray(0, this.#at);
  }

  #literal(
    field: { readonly name: string; readonly value: string; readonly isSensitive: boolean },
    nameIndex: number,
  ): void {
    const { name, value } = field;
    const indexing = field.isSensitive ? "never" : this.#options.decide(name, value);
    const size = fieldSize(name, value);
    // What takes up most of the table drives out more than it saves.
    const isIndexed = indexing === "index" && size * 2 <= this.#table.maxSize;
    if (isIndexed) this.#integer(0x40, 0x3f, nameIndex);
    else this.#integer(indexing === "never" ? 0x10 : 0, 0x0f, nameIndex);
    if (nameIndex === 0) this.#string(name, isIndexed);
    this.#string(value, isIndexed);
    if (isIndexed) this.#remember({ name, value, size, isSensitive: false, fault: null });
  }

  #remember(field: Field): void {
    this.#table.add(field);
    const number = this.#table.added - 1;
    const own = this.#names.get(field.name);
    if (own === undefined) {
      this.#names.set(field.name, { newest: number, values: new Map([[field.value, number]]) });
    } else {
      own.newest = number;
      own.values.set(field.value, number);
    }
  }

  #forget(field: Field, number: number): void {
    const own = this.#names.get(field.name);
    if (own === undefined) return;
    if (own.values.get(field.value) === number) own.values.delete(field.value);
    if (own.values.size === 0) this.#names.delete(field.name);
  }

  #indexOf(number: number): number {
    return staticTable.length + this.#table.added - number;
  }

  /** RFC 7541, 5.1. */
  #integer(bits: number, prefix: number, value: number): void {
    if (value < prefix) {
      scratch[this.#at] = bits | value;
      this.#at += 1;
      return;
    }
    scratch[this.#at] = bits | prefix;
    this.#at += 1;
    let rest = value - prefix;
    while (rest >= 0x80) {
      scratch[this.#at] = (rest & 0x7f) | 0x80;
      this.#at += 1;
      rest >>>= 7;
    }
    scratch[this.#at] = rest;
    this.#at += 1;
  }

  /**
   * RFC 7541, 5.2. Huffman's code costs more time than all the rest, and so is for what is sent once
   * and then referred to.
   */
  #string(text: string, isKept: boolean): void {
    const coded = isKept ? huffmanBytes(text) : Infinity;
    if (coded <= text.length) {
      this.#integer(0x80, 0x7f, coded);
      this.#at = encodeHuffman(text, scratch, this.#at);
      return;
    }
    this.#integer(0, 0x7f, text.length);
    // Of ASCII, UTF-8 is as long as the text, and of nothing else; there is room for all of it.
    if (scratch.write(text, this.#at, "utf8") !== text.length) this.#bytes(text);
    this.#at += text.length;
  }

  #bytes(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      const character = text.charCodeAt(index);
      // Never a byte that nobody has looked at: half of a larger character may be anything.
      scratch[this.#at + index] = character > 0xff ? questionMark : character;
    }
  }

  #reserve(count: number): void {
    if (this.#at + count <= scratch.length) return;
    const grown = Buffer.allocUnsafeSlow((this.#at + count) * 2);
    scratch.copy(grown, 0, 0, this.#at);
    scratch = grown;
  }
}
