/** The two halves of HPACK that a connection has (RFC 7541, 2.2): lists of fields, to and fro. */
import type { RawHeaders } from "../http/message.ts";
import { checkField } from "./field-check.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import type { Field } from "./hpack/field.ts";
import { createIndexing } from "./hpack/indexing.ts";
import { isSensitiveName, noteSensitive } from "./sensitive-names.ts";
import { defaultSettings } from "./settings.ts";

export interface HeaderLimits {
  /** As RFC 9113, 6.5.2 counts it. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

export type ReadFields =
  | {
      readonly kind: "fields";
      readonly fields: readonly Field[];
      /** More than the limits allow: `fields` is only the beginning. */
      readonly isOversized: boolean;
    }
  | { readonly kind: "malformed"; readonly detail: string };

/** What came before on any connection is likely to come again on this one. */
const decide = createIndexing();

export class FieldBlocks {
  readonly #limits: HeaderLimits;
  readonly #decoder: HpackDecoder;
  readonly #encoder: HpackEncoder;

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
    const { headerTableSize: maxTableSize } = defaultSettings;
    this.#encoder = new HpackEncoder({ maxTableSize, decide });
    this.#decoder = new HpackDecoder({
      maxTableSize,
      maxListSize: limits.maxHeaderBytes,
      check: checkField,
    });
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(bytes: number): void {
    this.#encoder.limitTable(bytes);
  }

  read(block: Buffer): ReadFields {
    const fields: Field[] = [];
    const decoded = this.#decoder.decode(block, (field) => {
      fields.push(field);
      if (field.isSensitive) noteSensitive(field.name);
    });
    if (decoded.kind === "malformed") return decoded;
    const isOversized = decoded.kind === "oversized" || fields.length > this.#limits.maxHeaders;
    return { kind: "fields", fields, isOversized };
  }

  /** To be copied before the next one is made, on whichever connection. Names are in lower case. */
  write(fields: RawHeaders): Buffer {
    const encoder = this.#encoder;
    encoder.begin();
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i] ?? "";
      encoder.field(name, fields[i + 1] ?? "", isSensitiveName(name));
    }
    return encoder.end();
  }
}
