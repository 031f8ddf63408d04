/**
 * Frames to be sent, joined into one piece of memory so that a turn of the event loop needs one
 * write. The memory comes from a pool that all connections share, so that idle ones hold none.
 */
import { connectionPreface, frameFlags, frameHeadBytes, frameTypes } from "./frame.ts";
import { borrowBytes, returnBytes } from "./frame-pool.ts";
import { defaultSettings, type Setting } from "./settings.ts";

const nothing = Buffer.alloc(0);
const leastBytes = 4096;

export class FrameWriter {
  /** What the peer has told by SETTINGS_MAX_FRAME_SIZE. */
  maxFrameSize = defaultSettings.maxFrameSize;
  #bytes: Buffer = nothing;
  #start = 0;
  #end = 0;
  // The HEADERS or DATA frame that was begun last, while it waits; -1: none.
  #lastAt = -1;
  #lastStreamId = 0;

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** All that waits; what is written next goes behind it, so it stays as it is until `sent`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#lastAt = -1;
    return taken;
  }

  /** Everything that was ever taken is with the kernel: its memory may be used anew. */
  sent(): void {
    if (this.#start < this.#end) return;
    returnBytes(this.#bytes);
    this.#bytes = nothing;
    this.#start = 0;
    this.#end = 0;
  }

  preface(): void {
    const at = this.#reserve(connectionPreface.length);
    this.#bytes.write(connectionPreface, at, "latin1");
  }

  /** Splits the block where the peer takes no frames of its length (RFC 9113, 4.3 and 6.10). */
  headers(streamId: number, block: Buffer, endStream: boolean): void {
    let from = 0;
    let type: number = frameTypes.HEADERS;
    let flags: number = endStream ? frameFlags.END_STREAM : 0;
    do {
      const count = Math.min(block.length - from, this.maxFrameSize);
      if (from + count === block.length) flags |= frameFlags.END_HEADERS;
      const at = this.#frame(type, flags, streamId, count);
      block.copy(this.#bytes, at, from, from + count);
      from += count;
      type = frameTypes.CONTINUATION;
      flags = 0;
    } while (from < block.length);
  }

  /** Splits the chunk where needed. Windows are the caller's to observe. */
  data(streamId: number, chunk: Buffer, endStream: boolean): void {
    let from = 0;
    do {
      const count = Math.min(chunk.length - from, this.maxFrameSize);
      const isLast = from + count === chunk.length;
      const flags = isLast && endStream ? frameFlags.END_STREAM : 0;
      const at = this.#frame(frameTypes.DATA, flags, streamId, count);
      chunk.copy(this.#bytes, at, from, from + count);
      from += count;
    } while (from < chunk.length);
  }

  /**
   * Says on the last frame that the stream ends with it, if that frame is of the stream and waits;
   * false: it is not, or does not.
   */
  endLast(streamId: number): boolean {
    if (this.#lastAt === -1 || this.#lastStreamId !== streamId) return false;
    const at = this.#lastAt + 4;
    this.#bytes[at] = (this.#bytes[at] ?? 0) | frameFlags.END_STREAM;
    this.#lastAt = -1;
    return true;
  }

  reset(streamId: number, code: number): void {
    const at = this.#frame(frameTypes.RST_STREAM, 0, streamId, 4);
    this.#bytes.writeUInt32BE(code, at);
  }

  settings(entries: readonly Setting[]): void {
    let at = this.#frame(frameTypes.SETTINGS, 0, 0, entries.length * 6);
    for (const { id, value } of entries) {
      this.#bytes.writeUInt16BE(id, at);
      this.#bytes.writeUInt32BE(value, at + 2);
      at += 6;
    }
  }

  settingsAck(): void {
    this.#frame(frameTypes.SETTINGS, frameFlags.ACK, 0, 0);
  }

  /** `data`: 8 bytes. */
  ping(data: Buffer, isAck: boolean): void {
    const at = this.#frame(frameTypes.PING, isAck ? frameFlags.ACK : 0, 0, 8);
    data.copy(this.#bytes, at, 0, 8);
  }

  /** `debug`: in ASCII, for people. */
  goAway(lastStreamId: number, code: number, debug: string): void {
    const at = this.#frame(frameTypes.GOAWAY, 0, 0, 8 + debug.length);
    this.#bytes.writeUInt32BE(lastStreamId, at);
    this.#bytes.writeUInt32BE(code, at + 4);
    this.#bytes.write(debug, at + 8, "latin1");
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.#frame(frameTypes.WINDOW_UPDATE, 0, streamId, 4);
    this.#bytes.writeUInt32BE(increment, at);
  }

  /** Writes the head; answers where the payload goes. */
  #frame(type: number, flags: number, streamId: number, length: number): number {
    const at = this.#reserve(frameHeadBytes + length);
    const bytes = this.#bytes;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = streamId >>> 24;
    bytes[at + 6] = streamId >>> 16;
    bytes[at + 7] = streamId >>> 8;
    bytes[at + 8] = streamId;
    if (type <= frameTypes.HEADERS) {
      this.#lastAt = at;
      this.#lastStreamId = streamId;
    } else if (type !== frameTypes.CONTINUATION) this.#lastAt = -1;
    return at + frameHeadBytes;
  }

  #reserve(count: number): number {
    const at = this.#end;
    if (at + count <= this.#bytes.length) {
      this.#end = at + count;
      return at;
    }
    return this.#grow(count);
  }

  /** Into other memory: what was taken may still be on its way, and is left where it is. */
  #grow(count: number): number {
    const waiting = this.#end - this.#start;
    const bytes = borrowBytes(Math.max(leastBytes, (waiting + count) * 2));
    this.#bytes.copy(bytes, 0, this.#start, this.#end);
    if (this.#start === 0) returnBytes(this.#bytes);
    if (this.#lastAt !== -1) this.#lastAt -= this.#start;
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = waiting + count;
    return waiting;
  }
}
