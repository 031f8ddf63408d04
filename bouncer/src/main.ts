/** The program: which role, with which configuration, and with which exit code it ends. */
import { pino } from "pino";
import packageJson from "../package.json" with { type: "json" };
import { type Config, describeConfig, parseConfig } from "./config.ts";
import { AppError } from "./errors.ts";
import { runLoad } from "./load/load.ts";
import { createPolicy } from "./policy/policy.ts";
import { runRedirect } from "./redirect/redirect.ts";
import { createRedirectDeps } from "./redirect/system.ts";
import { startServing } from "./serve.ts";
import { createLog, type Log } from "./telemetry/log.ts";

const { version } = packageJson;
const exitCode = { done: 0, failed: 1, misused: 2 } as const;

const help = `bouncer ${version}: decides each request to an application by policy

Usage: bouncer <role>

  serve      the proxy in front of the application's ports
  load       fetches the policy bundle, before the application starts
  redirect   sends the application's ports to the proxy, in the pod's network
  version    prints the version

All settings are environment variables: docs/reference/configuration.md
`;

function print(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text);
}

/** Configuration problems go out before there is a log to put them in. */
function readConfig(): { config: Config; log: Log } | null {
  const parsed = parseConfig(process.env);
  if (parsed.kind === "invalid") {
    const problems = parsed.problems.map((problem) => `  ${problem}\n`).join("");
    print(process.stderr, `Cannot start: the configuration is not valid\n${problems}`);
    return null;
  }
  const { config } = parsed;
  const stream = config.logDestination === "stdout" ? 1 : 2;
  const log = createLog(config, pino.destination({ dest: stream, sync: true }));
  return { config, log };
}

async function serve(): Promise<number> {
  const read = readConfig();
  if (read === null) return exitCode.misused;
  const { config, log } = read;
  log.info({ version, config: describeConfig(process.env) }, "starting");
  const serving = await startServing(config, {
    log,
    version,
    stdout: process.stdout,
    createPolicy,
  });
  const finished = await new Promise<boolean>((resolve, reject) => {
    const stop = (): void => {
      serving.stop().then(resolve, reject);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
  return finished ? exitCode.done : exitCode.failed;
}

async function load(): Promise<number> {
  const read = readConfig();
  return read === null ? exitCode.misused : await runLoad(read.config, { log: read.log });
}

/** Root, and with none of the configuration of the other roles. */
async function redirect(): Promise<number> {
  const stdout = pino.destination({ dest: 1, sync: true });
  const log = pino({ base: {}, timestamp: pino.stdTimeFunctions.isoTime }, stdout);
  return await runRedirect(process.env, createRedirectDeps(log));
}

async function run(role: string): Promise<number> {
  switch (role) {
    case "serve":
      return await serve();
    case "load":
      return await load();
    case "redirect":
      return await redirect();
    case "version":
    case "--version":
      print(process.stdout, `${version}\n`);
      return exitCode.done;
    case "help":
    case "--help":
      print(process.stdout, help);
      return exitCode.done;
    default:
      print(process.stderr, `Unknown role "${role}"\n\n${help}`);
      return exitCode.misused;
  }
}

try {
  process.exitCode = await run(process.argv[2] ?? "");
} catch (error) {
  // Misfortunes have their sentence; everything else is a bug and shows where.
  const shown = error instanceof AppError ? error.message : String(error);
  const trace = error instanceof Error && !(error instanceof AppError) ? `\n${error.stack}` : "";
  print(process.stderr, `${shown}${trace}\n`);
  process.exitCode = exitCode.failed;
}
// What other parts keep open must not keep a process alive that has done its work.
process.exit();
