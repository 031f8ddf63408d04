/** A request body as undici wants it: a stream that is filled from outside. */
import { Readable } from "node:stream";
import { keep } from "../../src/http/bytes.ts";

export class OutgoingBody extends Readable {
  readonly #onDrain: () => void;

  constructor(onDrain: () => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#onDrain = onDrain;
    // What becomes of the request is told otherwise.
    this.on("error", () => {});
  }

  /** False: no more before `onDrain`. */
  add(chunk: Buffer): boolean {
    return this.destroyed || this.push(keep(chunk));
  }

  finish(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#onDrain();
  }
}
