/**
 * Where audit lines go: a bounded queue, written in batches. A line that nobody waits for is dropped
 * when it does not fit, and counted, never silently; one that a request waits for is refused instead.
 */
import type { Writable } from "node:stream";

/** `refused`: it is not out and will not be. `late`: nobody knows yet. */
export type Commit = "written" | "refused" | "late";

export interface Sink {
  /** False: the queue is full, or nothing has gone out for too long. */
  isOpen(): boolean;
  /** False: the queue is full, the line is lost. */
  write(line: string): boolean;
  /** Resolves when the line is out, or is not to be waited for any longer. */
  commit(line: string): Promise<Commit>;
  /** What went wrong last; null when the last batch was written. */
  problem(): string | null;
  /** Resolves when all lines are out, or cannot be got out in time; those are lost. */
  close(): Promise<void>;
}

/** Writes a batch; resolves when it is out. */
export type WriteBatch = (batch: string) => Promise<void>;

export interface SinkOptions {
  readonly writeBatch: WriteBatch;
  /** Lines waiting, in UTF-16 units. */
  readonly maxQueued: number;
  /** A batch goes out at this size, or after `flushMs`. */
  readonly batchSize: number;
  readonly flushMs: number;
  /** How long one line, and how long the end, may be waited for. */
  readonly patienceMs: number;
  /** A batch could not be written: its lines are lost. */
  readonly onLost: (lines: number, error: unknown) => void;
}

export const defaultBatching = {
  maxQueued: 8 * 1024 * 1024,
  batchSize: 16_384,
  flushMs: 100,
  patienceMs: 5000,
};

type Settle = (commit: Commit) => void;

const stuck = "the destination takes nothing";

export function createSink(options: SinkOptions): Sink {
  return new Queue(options);
}

class Queue implements Sink {
  readonly #options: SinkOptions;
  /** What waits, as it will be written: one text, for lines are many and few are waited for. */
  #text = "";
  #lines = 0;
  /** Of the lines that somebody waits for. */
  #settles: Settle[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #writing: Promise<void> | null = null;
  /** Lines of the batch that is being written, and since when; on `performance`'s clock. */
  #batch: { readonly lines: number; readonly since: number } | null = null;
  #problem: string | null = null;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  #isStuck(): boolean {
    const since = this.#batch?.since;
    return since !== undefined && performance.now() - since > this.#options.patienceMs;
  }

  /** Without the ends of lines. */
  #size(): number {
    return this.#text.length - this.#lines;
  }

  isOpen(): boolean {
    return this.#size() < this.#options.maxQueued && !this.#isStuck();
  }

  problem(): string | null {
    return this.#isStuck() ? stuck : this.#problem;
  }

  #push(line: string): boolean {
    if (this.#size() + line.length > this.#options.maxQueued) return false;
    this.#text += `${line}\n`;
    this.#lines += 1;
    return true;
  }

  write(line: string): boolean {
    if (!this.#push(line)) return false;
    if (this.#size() >= this.#options.batchSize) this.#start();
    else if (this.#writing === null) {
      this.#timer ??= setTimeout(() => {
        this.#start();
      }, this.#options.flushMs);
    }
    return true;
  }

  commit(line: string): Promise<Commit> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve("late");
      }, this.#options.patienceMs);
      const settle = (commit: Commit): void => {
        clearTimeout(timer);
        resolve(commit);
      };
      if (this.#push(line)) {
        this.#settles.push(settle);
        this.#startSoon();
      } else settle("refused");
    });
  }

  /** After what else is ready to run: requests that came in together are written together. */
  #startSoon(): void {
    if (this.#writing !== null || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = null;
    });
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#lines > 0) {
      const [text, lines, settles] = [this.#text, this.#lines, this.#settles];
      this.#forget();
      const done = await this.#writeBatch(text, lines);
      for (const settle of settles) settle(done);
    }
  }

  #forget(): void {
    this.#text = "";
    this.#lines = 0;
    this.#settles = [];
  }

  async #writeBatch(text: string, lines: number): Promise<Commit> {
    this.#batch = { lines, since: performance.now() };
    try {
      await this.#options.writeBatch(text);
      this.#problem = null;
      return "written";
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#options.onLost(lines, error);
      return "refused";
    } finally {
      this.#batch = null;
    }
  }

  async close(): Promise<void> {
    this.#start();
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#options.onLost(this.#lines + (this.#batch?.lines ?? 0), new Error(stuck));
        this.#forget();
        resolve();
      }, this.#options.patienceMs);
    });
    await Promise.race([this.#writing, givenUp]);
    clearTimeout(timer);
  }
}

export function createStreamWriter(stream: Writable): WriteBatch {
  // Each write learns of its own failure; without a listener, it would end the process.
  stream.on("error", () => {});
  return (batch) =>
    new Promise((resolve, reject) => {
      stream.write(batch, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
}
