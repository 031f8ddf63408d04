#!/usr/bin/env node
/**
 * The program `bouncer-injector`: `serve` is the webhook, `self-test` asks a running one, everything
 * else is the command line. What a command needs is loaded when it runs: the command line brings
 * client-node, the largest part of all, which a webhook has no use for. The only place for
 * process.env and process.exit.
 */
import manifest from "../package.json" with { type: "json" };
import { programName } from "./cli/program.ts";

const { version } = manifest;
const writeStdout = (text: string): void => {
  process.stdout.write(text);
};
const writeStderr = (text: string): void => {
  process.stderr.write(text);
};

async function runSelfTest(args: readonly string[]): Promise<number> {
  const selfTest = await import("./self-test.ts");
  return await selfTest.runSelfTest(args, { environment: process.env, writeStdout, writeStderr });
}

async function runCommandLine(args: readonly string[]): Promise<number> {
  const { start } = await import("./cli/start.ts");
  return await start(args, {
    program: programName([process.argv0, process.argv[1] ?? ""]),
    version,
    isTerminal: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
    writeStdout,
    writeStderr,
  });
}

const [command, ...rest] = process.argv.slice(2);
if (command === "serve") {
  const { serve } = await import("./serve.ts");
  process.exit(await serve(process.env, version));
} else if (command === "self-test") {
  process.exitCode = await runSelfTest(rest);
} else {
  process.exitCode = await runCommandLine(process.argv.slice(2));
}
