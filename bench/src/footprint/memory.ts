/** What one process takes of the memory of its machine (proc(5), `smaps_rollup`). */
import { readFileSync } from "node:fs";

/** MiB. */
export interface Memory {
  /** All that is in memory, shared with others or not. */
  readonly rss: number;
  /** The same, each page divided among those who share it: what one more instance costs a node. */
  readonly pss: number;
  /** Of it, what was made by the process itself; the rest are files, the program above all. */
  readonly anonymous: number;
}

export function readMemory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const read = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
  return { rss: read("Rss"), pss: read("Pss"), anonymous: read("Anonymous") };
}
