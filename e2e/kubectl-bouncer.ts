/** `kubectl bouncer`, as people have it: the launcher of `make build` on their PATH. */
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { tryKubectl } from "./kubernetes.ts";
import type { ProgramResult } from "./program.ts";

const folder = fileURLToPath(new URL("../injector/dist", import.meta.url));

/** Never rejects because of an exit code: the code is an answer. */
export async function kubectlBouncer(args: string, input = ""): Promise<ProgramResult> {
  const env = { PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}` };
  return tryKubectl(`bouncer ${args}`, { env, input, timeoutMs: 240_000 });
}
