/** The start of a request's body, read ahead because the policy reads bodies. */
import type { RawHeaders } from "../http/message.ts";
import type { RequestBody } from "../policy/decision.ts";

export interface BodyStart extends RequestBody {
  /** All that was read, beyond `bytes` too. */
  readonly chunks: readonly Buffer[];
  /** Of the body that has ended; null: it goes on. */
  readonly trailers: RawHeaders | null;
}

export class BodyAhead {
  readonly #limit: number;
  readonly #done: (start: BodyStart) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #isDone = false;

  /** `done` is called when there is more than `limit`, or the body has ended. */
  constructor(limit: number, done: (start: BodyStart) => void) {
    this.#limit = limit;
    this.#done = done;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  add(chunk: Buffer): void {
    // More is read after this, into the same memory.
    this.#chunks.push(Buffer.from(chunk));
    this.#length += chunk.length;
    if (this.#length > this.#limit) this.#finish(null);
  }

  end(trailers: RawHeaders): void {
    this.#finish(trailers);
  }

  #finish(trailers: RawHeaders | null): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const bytes = Buffer.concat(this.#chunks).subarray(0, this.#limit);
    this.#done({ bytes, truncated: this.#length > this.#limit, chunks: this.#chunks, trailers });
  }
}
