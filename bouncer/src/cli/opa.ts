/** The real `opa`, which compiles, tests, analyses and signs policies. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandFailure } from "./failure.ts";

const run = promisify(execFile);
const maxOutputBytes = 64 * 1024 * 1024;

/** What it printed to stdout. Throws CommandFailure with what it had to say. */
export async function runOpa(what: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    const options = { cwd, maxBuffer: maxOutputBytes };
    return (await run("opa", [...args], options)).stdout;
  } catch (error) {
    throw new CommandFailure(`Cannot ${what}: ${explain(error)}`);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ENOENT") {
    return "`opa` is not on the PATH; get version 1.22 or newer at https://www.openpolicyagent.org/docs#1-download-opa";
  }
  const said = ["stdout", "stderr"].map((stream) =>
    String(Reflect.get(error, stream) ?? "").trim(),
  );
  const text = said.filter((one) => one !== "").join("\n");
  return text === "" ? error.message : text;
}
