/**
 * What a peer may send on a connection, all streams together. What waits for readers that are slow
 * does not count, up to a bound, so that they do not keep the others waiting.
 */
import { isUnderPressure } from "./held-bytes.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { defaultSettings } from "./settings.ts";

/** Enough for a peer that is far away to be fast. */
const windowBytes = 1024 * 1024;

export class Inflow {
  readonly #maxQueuedBytes: number;
  readonly #window = new ReceiveWindow(windowBytes, defaultSettings.initialWindowSize);
  #queuedBytes = 0;
  #owedBytes = 0;

  /** `maxQueuedBytes`: of slow readers; Infinity: what their own windows allow. */
  constructor(maxQueuedBytes: number) {
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** What to tell the peer at first: it takes the window for smaller than it is. */
  open(): number {
    return this.#window.release(0);
  }

  /** False: the peer has sent more than it may. */
  receive(bytes: number): boolean {
    return this.#window.receive(bytes);
  }

  /** More bytes wait for readers, or (below 0) fewer. */
  queue(bytes: number): void {
    this.#queuedBytes += bytes;
  }

  /** So many bytes have come and gone to their stream; answers what to tell the peer now, or 0. */
  release(bytes: number): number {
    this.#owedBytes += bytes;
    const isBounded = this.#maxQueuedBytes < Number.POSITIVE_INFINITY && isUnderPressure();
    const bound = isBounded ? 0 : this.#maxQueuedBytes;
    const due = this.#owedBytes - Math.max(0, this.#queuedBytes - bound);
    if (due <= 0) return 0;
    this.#owedBytes -= due;
    return this.#window.release(due);
  }
}
