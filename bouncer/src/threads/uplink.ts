/**
 * What a thread has for the main one: records, lines of the log, and what it has counted, in batches.
 * Bounded by what the main thread has taken over: beyond that, records are lost and counted, and
 * lines are lost as they are where nobody reads the log.
 */
import type { Board } from "./board.ts";
import type { Batch, Numbers } from "./messages.ts";

export const uplinkLimits = {
  /** UTF-16 units: a batch goes out at this size, or after `flushMs`. */
  batchSize: 16_384,
  flushMs: 50,
  /** On its way, or waiting. */
  maxSize: 4 * 1024 * 1024,
} as const;

export interface UplinkDeps {
  readonly board: Board;
  readonly index: number;
  readonly numbers: () => Numbers;
  readonly post: (batch: Batch) => void;
}

export class Uplink {
  readonly #deps: UplinkDeps;
  #records = "";
  #recordCount = 0;
  #lines = "";
  #lostRecords = 0;
  #lostSpans = 0;
  /** Posted, and not taken over. */
  #posted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: UplinkDeps) {
    this.#deps = deps;
  }

  addRecord(members: string): void {
    if (!this.#hasRoom(members.length)) {
      this.#lostRecords += 1;
      this.touch();
      return;
    }
    this.#records += `${members}\n`;
    this.#recordCount += 1;
    this.#tellHeld();
    this.#added();
  }

  /** With its end. */
  addLine(line: string): void {
    if (!this.#hasRoom(line.length)) return;
    this.#lines += line;
    this.#added();
  }

  loseSpans(spans: number): void {
    this.#lostSpans += spans;
    this.touch();
  }

  /** Something was counted. */
  touch(): void {
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, uplinkLimits.flushMs);
  }

  taken(size: number): void {
    this.#posted -= size;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const size = this.#size();
    this.#posted += size;
    const batch = {
      records: this.#records,
      lines: this.#lines,
      lostRecords: this.#lostRecords,
      lostSpans: this.#lostSpans,
      numbers: this.#deps.numbers(),
      size,
    };
    [this.#records, this.#recordCount, this.#lines] = ["", 0, ""];
    [this.#lostRecords, this.#lostSpans] = [0, 0];
    this.#deps.post(batch);
    this.#tellHeld();
  }

  #size(): number {
    return this.#records.length + this.#lines.length;
  }

  #hasRoom(size: number): boolean {
    return this.#posted + this.#size() + size <= uplinkLimits.maxSize;
  }

  #added(): void {
    if (this.#size() >= uplinkLimits.batchSize) this.flush();
    else this.touch();
  }

  /** Should the thread end now, this is how many records end with it. */
  #tellHeld(): void {
    this.#deps.board.setHeld(this.#deps.index, this.#recordCount);
  }
}
