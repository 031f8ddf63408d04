/**
 * The command line: a table of commands, and what is the same for all of them: help, wrong use, exit
 * codes, and how failures are reported.
 */
import { parseArgs } from "node:util";
import { findNearest } from "../annotations/nearest.ts";
import { InjectorError } from "../errors.ts";
import { checkCommand } from "./check/command.ts";
import { type Command, exitCode, type ParsedArgs } from "./command.ts";
import type { CommandLineDeps } from "./deps.ts";
import { diagnoseCommand } from "./diagnose/command.ts";
import { explainCommand } from "./explain/command.ts";
import { InputError, UseError } from "./failure.ts";
import { commandHelp, programHelp } from "./help.ts";
import { outdatedCommand } from "./outdated/command.ts";
import { complete } from "./plugin/complete.ts";
import { policyCommand } from "./policy/command.ts";
import { injectCommand, uninjectCommand } from "./rewrite.ts";

export const commands: readonly Command[] = [
  explainCommand,
  checkCommand,
  diagnoseCommand,
  outdatedCommand,
  policyCommand,
  injectCommand,
  uninjectCommand,
];

/** `argv` without node and script. The result is the exit code. */
export async function runCommandLine(
  argv: readonly string[],
  deps: CommandLineDeps,
): Promise<number> {
  const help = programHelp(deps.program, commands);
  const [first, ...rest] = argv;
  if (first === "--version") return print(`${deps.version}\n`, deps);
  if (first === "-h" || first === "--help") return print(help, deps);
  if (first === "help") return printHelp(rest[0], help, deps);
  if (first === "__complete") return print(complete(rest, commands), deps);
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) return refuse(missing(first), help, deps);
  try {
    const args = readArgs(command, rest);
    if (args.values["help"] === true) return print(commandHelp(deps.program, command), deps);
    return await command.run(args, deps);
  } catch (error) {
    return report(error, command, deps);
  }
}

function print(text: string, deps: CommandLineDeps): number {
  deps.writeStdout(text);
  return exitCode.good;
}

/** `help` alone, or `help COMMAND`. */
function printHelp(name: string | undefined, help: string, deps: CommandLineDeps): number {
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return print(commandHelp(deps.program, command), deps);
  return name === undefined ? print(help, deps) : refuse(missing(name), help, deps);
}

function refuse(problem: string, help: string, deps: CommandLineDeps): number {
  deps.writeStderr(`error: ${problem}\n\n${help}`);
  return exitCode.wrongUse;
}

function missing(name: string | undefined): string {
  if (name === undefined) return "a command is missing";
  if (name.startsWith("-")) return `"${name}" stands before the command; the command comes first`;
  const names = commands.map((command) => command.name);
  return `unknown command "${name}"; did you mean "${findNearest(name, names) ?? ""}"?`;
}

function readArgs(command: Command, args: readonly string[]): ParsedArgs {
  const options = { ...command.options, help: { type: "boolean", short: "h" } } as const;
  const foreign = findForeign(command, args);
  if (foreign !== undefined) throw new UseError(`${command.name} takes no --${foreign}`);
  const { values, positionals } = parse(() =>
    parseArgs({ args: [...args], allowPositionals: true, options }),
  );
  if (positionals.length > 0 && !command.takesArguments && values["help"] !== true) {
    const given = positionals.join(" ");
    const hint = "filename" in command.options ? "; files are given with -f" : "";
    throw new UseError(`unexpected argument "${given}"${hint}`);
  }
  return { values, positionals };
}

/** An option that other commands have, but this one does not. */
function findForeign(command: Command, args: readonly string[]): string | undefined {
  const known = Object.fromEntries(commands.flatMap(({ options }) => Object.entries(options)));
  const { tokens } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: known,
  });
  const names = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  return names.find((name) => Object.hasOwn(known, name) && !(name in command.options));
}

/** Node's own words for options that are not as declared. */
function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof TypeError ? new UseError(error.message) : error;
  }
}

function report(error: unknown, command: Command, deps: CommandLineDeps): number {
  if (error instanceof UseError) {
    return refuse(error.message, commandHelp(deps.program, command), deps);
  }
  if (!(error instanceof InputError) && !(error instanceof InjectorError)) throw error;
  const problems = error instanceof InputError ? error.problems : [error.message];
  for (const problem of problems) deps.writeStderr(`error: ${problem}\n`);
  return exitCode.notUsable;
}
