/** What the kernel says of this process; read once, at start. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { countThreads, findCpuLimit } from "./cpu-limit.ts";

export function countThreadsHere(setting: number | "auto"): number {
  return countThreads(setting, findCpuLimit(read), availableParallelism());
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
