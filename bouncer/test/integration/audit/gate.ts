/** A destination of audit records that takes what it is given when the test lets it. */
import { Writable } from "node:stream";

export class Gate extends Writable {
  /** What was written, one item for each batch. */
  readonly batches: string[] = [];
  #open: boolean;
  #waiting: (() => void)[] = [];
  #offered = Promise.withResolvers<void>();

  constructor(isOpen: boolean) {
    super({ decodeStrings: false });
    this.#open = isOpen;
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.batches.push(String(chunk));
      done();
    };
    if (this.#open) take();
    else this.#waiting.push(take);
    this.#offered.resolve();
    this.#offered = Promise.withResolvers();
  }

  /** Resolves when the next batch is offered, and none before it is taken. */
  offered(): Promise<void> {
    return this.#waiting.length > 0 ? Promise.resolve() : this.#offered.promise;
  }

  open(): void {
    this.#open = true;
    for (const take of this.#waiting.splice(0)) take();
  }

  records(): Record<string, unknown>[] {
    const lines = this.batches.join("").split("\n");
    return lines.filter((line) => line !== "").map(parseLine);
  }
}

export function parseLine(line: string): Record<string, unknown> {
  const record: unknown = JSON.parse(line);
  if (typeof record !== "object" || record === null) throw new Error(`not a record: ${line}`);
  return { ...record };
}
