/** CPU time and memory of a process with all of its descendants. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { memoryMiB } from "../process.ts";

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

function treeOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/**
 * User and system time in seconds: of each thread, from the scheduler's own count of nanoseconds,
 * since `stat` counts in hundredths of a second. What a thread took that has ended is forgotten; no
 * target ends threads that work.
 */
export function cpuOf(pids: readonly number[]): number {
  const threads = pids
    .flatMap(treeOf)
    .flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`));
  return sum(threads.map(nanosecondsOf)) / 1e9;
}

function nanosecondsOf(thread: string): number {
  try {
    return Number(readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return 0; // it ended just now
  }
}

export interface Memory {
  readonly rss: number;
  readonly peak: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const all = pids.flatMap(treeOf).map((pid) => memoryMiB(pid));
  return { rss: sum(all.map(({ rss }) => rss)), peak: sum(all.map(({ peak }) => peak)) };
}

/** The peak counts from here (proc(5), `clear_refs`). */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids.flatMap(treeOf)) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The share of what is shared: of three instances, a third of their program. */
export function pssOf(pids: readonly number[]): number {
  const sizes = pids.flatMap(treeOf).map((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) / 1024;
  });
  return sum(sizes);
}
