/**
 * A field block that comes in parts (RFC 9113, 4.3): HEADERS, then CONTINUATION frames. Bounded in
 * bytes and in frames, as they are nobody's until they are whole (CVE-2024-27316).
 */
import { frameFlags } from "./frame.ts";

/** More than any real field block needs. */
const maxContinuations = 32;

export class FrameBlock {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;
  /** Of the block whose end has not come; 0: none. */
  streamId = 0;
  endsStream = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What a block was that is larger than all that is accepted. */
  get limitDetail(): string {
    return `a field block of more than ${this.#maxBytes} bytes or ${maxContinuations} CONTINUATION frames`;
  }

  isTooLong(length: number): boolean {
    return length > this.#maxBytes;
  }

  begin(streamId: number, part: Buffer, endsStream: boolean): void {
    this.streamId = streamId;
    this.endsStream = endsStream;
    this.#parts = [Buffer.from(part)];
    this.#length = part.length;
  }

  /** False: that is too much. */
  add(part: Buffer): boolean {
    this.#length += part.length;
    if (this.isTooLong(this.#length) || this.#parts.length > maxContinuations) return false;
    this.#parts.push(Buffer.from(part));
    return true;
  }

  /** The whole block. */
  end(): Buffer {
    const block = Buffer.concat(this.#parts, this.#length);
    this.abandon();
    return block;
  }

  abandon(): void {
    this.streamId = 0;
    this.#parts = [];
  }
}

/** The part of the block in a HEADERS frame (RFC 9113, 6.2); null: it is padded by too much. */
export function blockOf(payload: Buffer, flags: number): Buffer | null {
  if ((flags & (frameFlags.PADDED | frameFlags.PRIORITY)) === 0) return payload;
  let start = 0;
  let end = payload.length;
  if ((flags & frameFlags.PADDED) !== 0) {
    start = 1;
    end -= payload.readUInt8(0);
  }
  // The priority itself means nothing any more (RFC 9113, 5.3.2).
  if ((flags & frameFlags.PRIORITY) !== 0) start += 5;
  return start > end ? null : payload.subarray(start, end);
}
