/**
 * `bouncer wait`: ends when the bouncer beside it listens. As the sidecar's postStart hook it keeps
 * the kubelet from starting the application before, where sidecars are ordinary containers. Imports
 * next to nothing: its start is part of the pod's, on the CPU of the bouncer that is starting.
 */
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Environment, readTable } from "bouncer-environment/table";
import { table } from "../config/table.ts";
import { adminPath } from "../contract.ts";

export interface WaitDeps {
  readonly print: (line: string) => void;
  readonly timeoutMs?: number;
}

const exitCode = { done: 0, failed: 1, configInvalid: 2 } as const;

const defaultTimeoutMs = 60_000;
const intervalMs = 100;
const answerTimeoutMs = 1000;

export async function runWait(env: Environment, deps: WaitDeps): Promise<number> {
  const { print, timeoutMs = defaultTimeoutMs } = deps;
  const read = readTable({ adminPort: table.adminPort }, env);
  if (read.kind === "invalid") {
    for (const problem of read.problems) print(problem);
    return exitCode.configInvalid;
  }
  const url = `http://127.0.0.1:${read.config.adminPort}${adminPath.health}`;
  const end = performance.now() + timeoutMs;
  for (;;) {
    const problem = await findProblem(url);
    if (problem === null) return exitCode.done;
    if (performance.now() + intervalMs > end) {
      print(`Cannot wait for ${url} longer than ${timeoutMs / 1000} seconds: ${problem}`);
      return exitCode.failed;
    }
    await sleep(intervalMs);
  }
}

/** Null when the answer is 200. */
function findProblem(url: string): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: answerTimeoutMs }, (response) => {
      const { statusCode } = response;
      response.resume();
      request.destroy();
      resolve(statusCode === 200 ? null : `it answers with status ${statusCode}`);
    });
    request.on("timeout", () => request.destroy(new Error("it does not answer")));
    request.on("error", (error) => {
      resolve(error.message);
    });
  });
}
