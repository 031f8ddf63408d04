/** What `runRedirect` does to the machine: programs, /proc, the termination message. */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { ProgramResult, RunProgram } from "./backend.ts";
import type { RedirectDeps } from "./redirect.ts";

/** Kubernetes' default `terminationMessagePath`, of which it shows 4096 bytes. */
const terminationLog = "/dev/termination-log";
const maxTerminationBytes = 4096;

const programTimeoutMs = 15_000;

/** Fixed, so that nothing in the container's environment chooses the programs. */
const programEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  // The legacy programs lock a file in /run, which is read-only here; /dev/shm never is.
  XTABLES_LOCKFILE: "/dev/shm/bouncer-xtables.lock",
};

export function createRedirectDeps(log: RedirectDeps["log"]): RedirectDeps {
  return { run: runProgram, readText, log, writeTerminationMessage };
}

const runProgram: RunProgram = (program, args, input) =>
  new Promise<ProgramResult>((resolve) => {
    const child = spawn(program, args, {
      env: programEnvironment,
      timeout: programTimeoutMs,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A program that ends before it has read its input: its exit code says why.
    child.stdin.on("error", () => {});
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve({ kind: "missing" });
      else resolve({ kind: "ended", code: null, stdout: "", stderr: error.message });
    });
    child.on("close", (code) => {
      resolve({
        kind: "ended",
        code,
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
      });
    });
    child.stdin.end(input);
  });

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}

async function writeTerminationMessage(text: string): Promise<void> {
  try {
    // Kubernetes makes the file; elsewhere there is none, and none is made.
    await writeFile(terminationLog, text.slice(0, maxTerminationBytes), { flag: "r+" });
  } catch {
    // The same message is in the log.
  }
}
