/**
 * Bytes that wait: copied out of the buffer that all sockets share, into memory that is used again.
 * How many wait in all is known, because the peers of all connections together must not fill the
 * process.
 */
import { isShared } from "../http/bytes.ts";
import { borrowBytes, returnBytes } from "./frame-pool.ts";

/** More than this is no time to let anybody send ahead. */
const pressureBytes = 8 * 1024 * 1024;

let waitingBytes = 0;

/** Too much waits already. */
export function isUnderPressure(): boolean {
  return waitingBytes > pressureBytes;
}

export class HeldBytes {
  /** What is left. */
  bytes: Buffer;
  /** Ours to give back; null: somebody else's, that lasts. */
  #memory: Buffer | null;

  constructor(chunk: Buffer) {
    waitingBytes += chunk.length;
    if (isShared(chunk)) {
      this.#memory = borrowBytes(chunk.length);
      chunk.copy(this.#memory);
      this.bytes = this.#memory.subarray(0, chunk.length);
    } else {
      this.#memory = null;
      this.bytes = chunk;
    }
  }

  /** The first bytes are where they are to go. */
  cut(count: number): void {
    waitingBytes -= count;
    this.bytes = this.bytes.subarray(count);
  }

  add(chunk: Buffer): void {
    waitingBytes += chunk.length;
    const bytes = Buffer.concat([this.bytes, chunk]);
    this.#giveBack();
    this.bytes = bytes;
  }

  /** They do not wait any more; whoever has them may still read them. */
  release(): void {
    waitingBytes -= this.bytes.length;
    this.bytes = nothing;
  }

  /** Nobody reads them any more. */
  free(): void {
    this.release();
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#memory === null) return;
    returnBytes(this.#memory);
    this.#memory = null;
  }
}

const nothing = Buffer.alloc(0);
