/** The commands for people, beside the roles for pods: one shape, one way to report. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { AppError } from "../errors.ts";
import { CommandFailure, misuse } from "./failure.ts";

/** What commands end with. `no` is an answer: refused, or something would change. */
export const exitCode = { yes: 0, failed: 1, misused: 2, no: 3 } as const;

export interface Output {
  /** The answer, for people and pipes. */
  readonly print: (text: string) => void;
  /** What else there is to say. */
  readonly note: (text: string) => void;
}

export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly options: ParseArgsOptionsConfig;
  readonly run: (args: Arguments, output: Output) => Promise<number>;
}

export async function runCommand(
  command: Command,
  argv: readonly string[],
  output: Output,
): Promise<number> {
  try {
    const args = readArguments(command, argv);
    if (args.values["help"] === true) {
      output.print(command.usage);
      return exitCode.yes;
    }
    return await command.run(args, output);
  } catch (error) {
    if (error instanceof CommandFailure) {
      output.note(`${error.message}\n`);
      if (!error.isMisuse) return exitCode.failed;
      output.note(`See \`bouncer ${command.name} --help\`\n`);
      return exitCode.misused;
    }
    if (!(error instanceof AppError)) throw error;
    output.note(`${error.code}: ${error.message}\n`);
    return exitCode.failed;
  }
}

function readArguments(command: Command, argv: readonly string[]): Arguments {
  const options = { ...command.options, help: { type: "boolean", short: "h" } } as const;
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw misuse(error instanceof Error ? error.message : String(error));
  }
}

/** The value of an option that is text; null when it was not given. */
export function textOf({ values }: Arguments, name: string): string | null {
  const value = values[name];
  return typeof value === "string" ? value : null;
}

export function textsOf({ values }: Arguments, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function isSet({ values }: Arguments, name: string): boolean {
  return values[name] === true;
}

/** `accepted` are all values that there are; the first is the default. */
export function chooseFrom<const T extends string>(
  args: Arguments,
  name: string,
  accepted: readonly [T, ...T[]],
): T {
  const text = textOf(args, name) ?? accepted[0];
  const found = accepted.find((one) => one === text);
  if (found !== undefined) return found;
  throw misuse(`Cannot use --${name} "${text}": accepted is ${accepted.join(", ")}`);
}
