/**
 * Writes messages to one connection, one after the other, each in as few writes as it takes, and
 * the writes of all connections one behind the other, when all that could be read has been: who is
 * written to is woken once, and not anew for each of them.
 */
import type { RawHeaders } from "../http/message.ts";
import type { SocketStream } from "../http/socket-stream.ts";
import { formatChunkHead, formatLastChunk } from "./serialize.ts";

/** Text that waits for more; beyond it, it is written. */
const maxGathered = 16 * 1024;
/** A chunk of a body up to this size is gathered, too. */
const maxGatheredChunk = 8 * 1024;

/** Those with something to write at the end of this turn of the event loop. */
let waiting: MessageWriter[] = [];

function flushAll(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.flush();
}

export class MessageWriter {
  readonly #stream: SocketStream;
  #gathered = "";
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
  }

  #gather(text: string): void {
    if (this.#gathered === "") {
      if (waiting.length === 0) setImmediate(flushAll);
      waiting.push(this);
    }
    this.#gathered += text;
    if (this.#gathered.length >= maxGathered) this.flush();
  }

  /** At once. False: no more before the stream's `onDrain`. */
  flush(): boolean {
    if (this.#gathered === "") return true;
    const text = this.#gathered;
    this.#gathered = "";
    this.written += 1;
    return this.#stream.writeText(text);
  }
}
