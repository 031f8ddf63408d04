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
