/** Where the body of one message ends in the bytes of its connection (RFC 9112, 6.3). */
import type { RawHeaders } from "../http/message.ts";
import { ChunkedDecoder } from "./chunked.ts";

/** As long as there is a connection. */
export const untilClose = Number.POSITIVE_INFINITY;

export interface BodyTaker {
  take(chunk: Buffer): void;
}

export class BodyReader {
  #left: number;
  readonly #chunked: ChunkedDecoder | null;

  /** `length`: in bytes; null: the body is chunked. */
  constructor(length: number | null, limits: { maxHeaderBytes: number; maxHeaders: number }) {
    this.#left = length ?? 0;
    this.#chunked = length === null ? new ChunkedDecoder(limits) : null;
  }

  get isDone(): boolean {
    return this.#chunked === null ? this.#left === 0 : this.#chunked.state === "done";
  }

  get isMalformed(): boolean {
    return this.#chunked?.state === "malformed";
  }

  /** The connection is the body's: it ends with it. */
  get endsWithConnection(): boolean {
    return this.#left === untilClose;
  }

  get trailers(): RawHeaders {
    return this.#chunked?.trailers ?? [];
  }

  /** Hands over what is of the body in `bytes` from `at` on; answers with where that ends. */
  read(bytes: Buffer, at: number, taker: BodyTaker): number {
    if (this.#chunked !== null) {
      return this.#chunked.decode(bytes, at, (from, to) => {
        taker.take(bytes.subarray(from, to));
      });
    }
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (end > at) taker.take(bytes.subarray(at, end));
    return end;
  }
}
