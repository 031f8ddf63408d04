/**
 * Where audit lines go, without the request waiting for it: a bounded queue, written in batches.
 * A line that does not fit is dropped and counted, never silently.
 */
import type { Writable } from "node:stream";

export interface Sink {
  /** False: the queue is full, the line is lost. */
  write(line: string): boolean;
  /** Resolves when all lines are out. */
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
  /** A batch could not be written: its lines are lost. */
  readonly onLost: (lines: number, error: unknown) => void;
}

export const defaultBatching = { maxQueued: 8 * 1024 * 1024, batchSize: 16_384, flushMs: 100 };

export function createSink(options: SinkOptions): Sink {
  const { writeBatch, maxQueued, batchSize, flushMs, onLost } = options;
  let lines: string[] = [];
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | null = null;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    while (lines.length > 0) {
      const batch = lines;
      lines = [];
      size = 0;
      try {
        await writeBatch(`${batch.join("\n")}\n`);
      } catch (error) {
        onLost(batch.length, error);
      }
    }
  };
  const start = (): void => {
    writing ??= flush().finally(() => {
      writing = null;
    });
  };
  return {
    write: (line) => {
      if (size + line.length > maxQueued) return false;
      lines.push(line);
      size += line.length;
      if (size >= batchSize) start();
      else if (writing === null) timer ??= setTimeout(start, flushMs);
      return true;
    },
    close: async () => {
      start();
      await writing;
    },
  };
}

export function createStreamWriter(stream: Writable): WriteBatch {
  return (batch) =>
    new Promise((resolve, reject) => {
      stream.write(batch, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
}
