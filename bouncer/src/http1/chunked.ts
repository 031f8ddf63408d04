/**
 * The chunked transfer coding (RFC 9112, 7.1), read from wherever the bytes are, without copying
 * them. What is not data is bounded: sizes, extensions, trailers.
 */
import { cr, lf, space, valueChars } from "./grammar.ts";
import { readFields } from "./head-fields.ts";
import { role } from "./head-names.ts";

export interface ChunkLimits {
  /** Of the trailer section. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

/** With leading zeros, which some send to make all size lines one length. */
const maxSizeLength = 16;
const maxExtensionLength = 1024;
/**
 * Bytes of extensions beyond those of the data: a body that is mostly extensions is there to make
 * work (CVE-2023-39326).
 */
const maxExtensionExcess = 8 * 1024;

const at = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  trailer: 6,
} as const;

export class ChunkedDecoder {
  state: "open" | "done" | "malformed" = "open";
  readonly trailers: string[] = [];
  /** Why it is malformed. */
  problem = "";

  readonly #limits: ChunkLimits;
  #at: number = at.size;
  /** Of the chunk's data: what is still to come. */
  #left = 0;
  #digits = 0;
  #extension = "";
  #excess = 0;
  #line = "";
  #trailerBytes = 0;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  /**
   * Hands over the data in `bytes` from `start` piece by piece, and returns the index behind what
   * belongs to this message: less than the length only when it is over.
   */
  decode(bytes: Buffer, start: number, take: (from: number, to: number) => void): number {
    let i = start;
    while (i < bytes.length && this.state === "open") {
      if (this.#at === at.data) {
        const end = Math.min(bytes.length, i + this.#left);
        this.#left -= end - i;
        if (this.#left === 0) this.#at = at.dataCr;
        take(i, end);
        i = end;
      } else if (this.#at === at.trailer) {
        i = this.#readTrailer(bytes, i);
      } else {
        this.#step(bytes[i] ?? 0);
        i++;
      }
    }
    return i;
  }

  #fail(problem: string): void {
    this.state = "malformed";
    this.problem = problem;
  }

  #step(byte: number): void {
    if (this.#at === at.size) this.#readSize(byte);
    else if (this.#at === at.extension) this.#readExtension(byte);
    else if (this.#at === at.sizeLf) this.#endLine(byte);
    else if (this.#at === at.dataCr) this.#expect(byte, cr, at.dataLf);
    else this.#expect(byte, lf, at.size);
  }

  #expect(byte: number, wanted: number, next: number): void {
    if (byte === wanted) this.#at = next;
    else this.#fail("a chunk is longer than its size, or does not end with CR LF");
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#left = this.#left * 16 + digit;
      this.#digits++;
      if (this.#digits > maxSizeLength || this.#left > Number.MAX_SAFE_INTEGER) {
        this.#fail("a chunk's size is too large");
      }
    } else if (this.#digits === 0) {
      this.#fail("a chunk's size is not a number");
    } else if (byte === cr) {
      this.#at = at.sizeLf;
    } else if (byte === 0x3b) {
      this.#at = at.extension;
      this.#extension = ";";
    } else {
      this.#fail("a chunk's size is not a number");
    }
  }

  #readExtension(byte: number): void {
    if (byte === cr) {
      this.#at = at.sizeLf;
    } else if (valueChars[byte] !== 1) {
      this.#fail("a chunk's extensions have an invalid character");
    } else if (this.#extension.length >= maxExtensionLength) {
      this.#fail("a chunk's extensions are too long");
    } else {
      this.#extension += String.fromCharCode(byte);
    }
  }

  #endLine(byte: number): void {
    if (byte !== lf) return this.#fail("a chunk's size line does not end with CR LF");
    if (this.#extension !== "" && !extensions.test(this.#extension)) {
      return this.#fail("a chunk's extensions are not names and values");
    }
    this.#excess = Math.max(0, this.#excess + this.#extension.length - this.#left);
    if (this.#excess > maxExtensionExcess)
      return this.#fail("there are more chunk extensions than data");
    this.#at = this.#left === 0 ? at.trailer : at.data;
    this.#digits = 0;
    this.#extension = "";
  }

  /** Until there is an empty line. */
  #readTrailer(bytes: Buffer, start: number): number {
    let i = start;
    while (i < bytes.length && this.state === "open") {
      const byte = bytes[i] ?? 0;
      i++;
      this.#trailerBytes++;
      if (byte === lf) {
        this.#endTrailerLine();
      } else if (this.#line.endsWith("\r") || (byte !== cr && valueChars[byte] !== 1)) {
        this.#fail("a trailer has an invalid character");
      } else if (this.#trailerBytes > this.#limits.maxHeaderBytes) {
        this.#fail("the trailers are too large");
      } else {
        this.#line += String.fromCharCode(byte);
      }
    }
    return i;
  }

  #endTrailerLine(): void {
    if (this.#line === "\r") {
      this.state = "done";
      return;
    }
    const text = `${this.#line}\n\r\n`;
    const bytes = Buffer.from(text, "latin1");
    const section = { bytes, text, start: 0, end: bytes.length };
    const { problem, raw, seen } = readFields(section, 0, { maxHeaders: 1, unfold: false });
    this.trailers.push(...raw);
    this.#line = "";
    if (problem !== null) this.#fail(problem);
    else if ((seen & headOnly) !== 0) this.#fail("a trailer belongs into the head");
    else if (this.trailers.length > 2 * this.#limits.maxHeaders) {
      this.#fail(`more than ${this.#limits.maxHeaders} trailers`);
    }
  }
}

/**
 * What belongs into the head only (RFC 9110, 6.5.1), and moves the end of the message or of the
 * connection for those who believe it there.
 */
const headOnly =
  role.contentLength |
  role.transferEncoding |
  role.connection |
  role.proxyConnection |
  role.upgrade;

/** RFC 9112, 7.1.1, without the whitespace that none may send. */
const extensions =
  /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)+$/;

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | space;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
