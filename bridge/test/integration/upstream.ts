/** Sources of bundles elsewhere, looked at when the test wants it, and servers that run as programs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { parseConfig } from "../../src/config.ts";
import type { Rollouts } from "../../src/rollouts.ts";
import type { RemoteOptions } from "../../src/upstream/source.ts";
import { openSource } from "../../src/upstream/open.ts";
import { createTestLog } from "./support.ts";

type Result = Parameters<RemoteOptions["onPulled"]>[0];

/** Asks once, and then each time that the test looks. */
export function openTestSource(environment: Readonly<Record<string, string>>) {
  const parsed = parseConfig({ BRIDGE_UPSTREAM_POLL_SECONDS: "86400", ...environment });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join("\n"));
  const logged = createTestLog();
  const rollouts: Parameters<Rollouts["offer"]>[0][] = [];
  let pulled = Promise.withResolvers<Result>();
  const source = openSource(parsed.config, {
    log: logged.log,
    now: Date.now,
    random: Math.random,
    onProblem: () => undefined,
    onPulled: (result) => pulled.resolve(result),
    onRollout: (file) => rollouts.push(file),
  });
  onTestFinished(() => source.close());
  return {
    source,
    logged,
    rollouts,
    /** What became of asking now; for a source of one place. */
    look: async (): Promise<Result> => {
      pulled = Promise.withResolvers();
      await source.scan();
      return await pulled.promise;
    },
  };
}

/** Fails with the way to get the program when it is not there. */
export function startProgram(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) {
  const child: ChildProcess = spawn(name, args, {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const look = new Set<() => void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  child.once("error", (cause) =>
    ended.reject(
      new Error(`Cannot start ${name}: run the tests by \`make integration\``, { cause }),
    ),
  );
  child.once("exit", (code) =>
    ended.reject(new Error(`${name} ended with ${code}:\n${lines.join("\n")}`)),
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      for (const one of look) one();
    });
  }
  onTestFinished(async () => {
    if (child.exitCode !== null || child.pid === undefined) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return {
    /** The first match in a line, already written or to come. */
    said(pattern: RegExp): Promise<string> {
      const found = new Promise<string>((resolve) => {
        const check = (): void => {
          for (const line of lines) {
            const match = pattern.exec(line);
            if (match === null) continue;
            look.delete(check);
            resolve(match[1] ?? match[0]);
            return;
          }
        };
        look.add(check);
        check();
      });
      return Promise.race([found, ended.promise]);
    },
  };
}

/** For programs that cannot be told to take one themselves. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}
