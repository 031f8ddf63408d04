/**
 * Writes messages to one connection, one after the other, each in as few writes as it takes: the
 * head goes out together with what is there of the body, at the latest when the present turn of the
 * event loop is over.
 */
import type { RawHeaders } from "../http/message.ts";
import type { SocketStream } from "../http/socket-stream.ts";
import { formatChunkHead, formatLastChunk } from "./serialize.ts";

/** Text that waits for more; beyond it, it is written. */
const maxGathered = 16 * 1024;
/** A chunk of a body up to this size is gathered, too. */
const maxGatheredChunk = 8 * 1024;

export class MessageWriter {
  readonly #stream: SocketStream;
  #gathered = "";
  #isScheduled = false;
  #isChunked = false;
  /** Grows with each write: what was sent shows that there is still somebody. */
  written = 0;

  constructor(stream: SocketStream) {
    this.#stream = stream;
  }

  begin(head: string, framing: { readonly isChunked: boolean }): void {
    this.#isChunked = framing.isChunked;
    this.#gather(head);
  }

  /** False: no more before the stream's `onDrain`. */
  data(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    if (chunk.length <= maxGatheredChunk) {
      const text = chunk.toString("latin1");
      this.#gather(this.#isChunked ? `${formatChunkHead(chunk.length)}${text}\r\n` : text);
      return this.#stream.pendingBytes < maxGathered || this.flush();
    }
    if (this.#isChunked) this.#gather(formatChunkHead(chunk.length));
    this.flush();
    const isOut = this.#stream.write(chunk);
    if (this.#isChunked) this.#gather("\r\n");
    return isOut;
  }

  end(trailers: RawHeaders): void {
    if (this.#isChunked) this.#gather(formatLastChunk(trailers));
    this.#isChunked = false;
    this.flush();
  }

  #gather(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length >= maxGathered) this.flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#onTurn);
    }
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /** False: no more before the stream's `onDrain`. */
  flush(): boolean {
    if (this.#gathered === "") return true;
    const text = this.#gathered;
    this.#gathered = "";
    this.written += 1;
    return this.#stream.writeText(text);
  }
}
