/** Which processor does what: what is measured has one for itself, everything else shares the other. */
import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

export const measured = "0";
const others = "1";

/** Nearly the highest: what else runs gets little while this does. */
const firstPriority = -15;

/**
 * This process, and with it what it starts, goes to the other processor; `isFirst`: before whatever
 * else runs on this machine, which only root may have.
 */
export function stayAside(isFirst: boolean): void {
  if (availableParallelism() < 2) {
    throw new Error("Cannot measure: two processors are needed, one of them for what is measured");
  }
  execFileSync("taskset", ["-a", "-c", "-p", others, String(process.pid)], { stdio: "ignore" });
  if (isFirst) takePrecedence();
}

/**
 * Where the kernel shares time among sessions first (sched(7), "The autogroup feature"), priorities
 * count within a session only, and the session has one of its own, which is given back at the end.
 */
function takePrecedence(): void {
  setPriority(firstPriority);
  const session = "/proc/self/autogroup";
  if (!existsSync(session)) return;
  const before = /nice (-?\d+)/.exec(readFileSync(session, "utf8"))?.[1] ?? "0";
  writeFileSync(session, String(firstPriority));
  process.on("exit", () => {
    writeFileSync(session, before);
  });
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
