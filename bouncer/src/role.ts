/**
 * The roles that do the work: each reads its configuration, runs, and says its exit code. What only
 * the short ones need is loaded by them.
 */
import type { Environment } from "bouncer-environment/table";
import { type Config, describeConfig, parseConfig } from "./config.ts";
import { createPolicy } from "./policy/policy.ts";
import { collectAtRest } from "./rest.ts";
import { startServing } from "./serve.ts";
import { createLog, createLogStream, type DestinationStream, type Log } from "./telemetry/log.ts";
import { countThreadsHere } from "./threads/cgroup.ts";

const exitCode = { done: 0, failed: 1, misused: 2 } as const;

interface Setting {
  readonly config: Config;
  readonly log: Log;
  /** Where lines of the log go. */
  readonly lines: DestinationStream;
}

/** Configuration problems go out before there is a log to put them in. */
function readConfig(env: Environment): Setting | null {
  const parsed = parseConfig(env);
  if (parsed.kind === "invalid") {
    const problems = parsed.problems.map((problem) => `  ${problem}\n`).join("");
    process.stderr.write(`Cannot start: the configuration is not valid\n${problems}`);
    return null;
  }
  const { config } = parsed;
  const stream = config.logDestination === "stdout" ? process.stdout : process.stderr;
  const lines = createLogStream(stream);
  return { config, log: createLog(config, lines), lines };
}

export async function serve(env: Environment, version: string): Promise<number> {
  const read = readConfig(env);
  if (read === null) return exitCode.misused;
  const { config, log, lines } = read;
  log.info({ version, config: describeConfig(env) }, "starting");
  const serving = await startServing(config, {
    log,
    version,
    stdout: process.stdout,
    createPolicy: (policyConfig, deps) => createPolicy(policyConfig, { ...deps, environment: env }),
    threads: {
      count: countThreadsHere(config.threads),
      environment: env,
      writeLine: (text) => {
        lines.write(text);
      },
    },
  });
  collectAtRest();
  const finished = await new Promise<boolean>((resolve, reject) => {
    const stop = (): void => {
      serving.stop().then(resolve, reject);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
  return finished ? exitCode.done : exitCode.failed;
}

export async function load(env: Environment): Promise<number> {
  const read = readConfig(env);
  if (read === null) return exitCode.misused;
  const { runLoad } = await import("./load/load.ts");
  return await runLoad(read.config, { log: read.log });
}

/** Root, and with none of the configuration of the other roles. */
export async function redirect(env: Environment): Promise<number> {
  const [{ pino }, { runRedirect }, { createRedirectDeps }] = await Promise.all([
    import("pino"),
    import("./redirect/redirect.ts"),
    import("./redirect/system.ts"),
  ]);
  const stdout = pino.destination({ dest: 1, sync: true });
  const log = pino({ base: {}, timestamp: pino.stdTimeFunctions.isoTime }, stdout);
  return await runRedirect(env, createRedirectDeps(log));
}
