/** Which processor does what: what is measured has one for itself, everything else shares the other. */
import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

export const measured = "0";
const others = "1";

/** This process, and with it what it starts, goes to the other processor. */
export function stayAside(): void {
  if (availableParallelism() < 2) {
    throw new Error("Cannot measure: two processors are needed, one of them for what is measured");
  }
  execFileSync("taskset", ["-a", "-c", "-p", others, String(process.pid)], { stdio: "ignore" });
}

/** `taskset` becomes the program: the process that is returned is the program's own. */
export function spawnOn(
  processor: string,
  command: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  return spawn("taskset", ["-c", processor, ...command], options);
}

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
/** Of `/proc/stat`: all but idle, waiting for I/O, and guests, who are counted as users already. */
const busyFields = [1, 2, 3, 6, 7, 8];

/** Seconds that the processor of what is measured has been busy, with whatever, or was taken away. */
export function busySeconds(): number {
  const line = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`cpu${measured} `));
  const fields = (line ?? "").split(" ");
  const ticks = busyFields.reduce((sum, field) => sum + Number(fields[field]), 0);
  return ticks / ticksPerSecond;
}
