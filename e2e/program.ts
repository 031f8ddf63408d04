/** Runs the programs that a user would type: kubectl, helm, opa. */
import { spawn } from "node:child_process";

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Arguments; a text is split at its spaces. */
export type Arguments = string | readonly string[];

export interface ProgramOptions {
  readonly input?: string;
  /** Kills the program after that long; 120 s unless told. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Never rejects because of an exit code: for tests of failures. */
export async function tryRun(
  program: string,
  args: Arguments,
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = spawn(program, typeof args === "string" ? args.split(" ") : args, {
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: options.timeoutMs ?? 120_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined); // the program may exit before it has read its input
  child.stdin.end(options.input ?? "");
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject);
  child.on("close", resolve);
  return { code: await promise, stdout, stderr };
}

/** A program that is told about line by line, for as long as it runs. */
export interface Running {
  /** The first line that fits, of those that are there or come; rejects when the program ends. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** How many lines there are by now. */
  count(): number;
  stop(): void;
}

export function start(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  let ended: string | null = null;
  let stderr = "";
  const wake = (): void => {
    for (const look of waiting) look();
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const pieces = (rest + text).split("\n");
    rest = pieces.pop() ?? "";
    lines.push(...pieces);
    wake();
  });
  const end = (what: string): void => {
    ended ??= what;
    wake();
  };
  child.on("error", (error) => end(error.message));
  child.on("close", (code) => end(`exit ${code}: ${stderr.trim()}`));
  return {
    line: (fits) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        const found = lines.find(fits);
        if (found !== undefined) resolve(found);
        else if (ended !== null)
          reject(new Error(`${program} ended (${ended}): ${lines.join("|")}`));
        else return;
        waiting.delete(look);
      };
      waiting.add(look);
      look();
      return promise;
    },
    count: () => lines.length,
    stop: () => child.kill(),
  };
}

/** Standard output of a program that must succeed. */
export async function run(
  program: string,
  args: Arguments,
  options: ProgramOptions = {},
): Promise<string> {
  const result = await tryRun(program, args, options);
  if (result.code !== 0) {
    throw new Error(`${program} ${String(args)}: exit ${result.code}: ${result.stderr.trim()}`);
  }
  return result.stdout;
}
