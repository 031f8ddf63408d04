/** The command line, with what it needs of the world. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { runCommandLine } from "./command-line.ts";
import type { CommandLineDeps } from "./deps.ts";

/** `args` without node and script; the result is the exit code. */
export function start(
  args: readonly string[],
  world: Pick<
    CommandLineDeps,
    "program" | "version" | "isTerminal" | "writeStdout" | "writeStderr"
  >,
): Promise<number> {
  return runCommandLine(args, {
    ...world,
    now: Date.now,
    readFile: (path) => readFile(path),
    readStdin: () => buffer(process.stdin),
    createAdminToken: () => randomBytes(32).toString("base64url"),
  });
}
