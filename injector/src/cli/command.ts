/** What a command of the command line is: one row of the table in command-line.ts. */
import type { ParseArgsOptionsConfig } from "node:util";
import type { CommandLineDeps } from "./deps.ts";

/** The same for every command; shown in every help. */
export const exitCode = { good: 0, notUsable: 1, wrongUse: 2, no: 3 } as const;

export interface ParsedArgs {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  /** Without the name of the command. */
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** How it is called, without the name of the program, a line for each way: `inject -f FILE|-`. */
  readonly usage: string;
  /** What it does, then its options; shown by `NAME --help`. */
  readonly details: string;
  readonly options: ParseArgsOptionsConfig;
  /** Whether it takes arguments besides options. */
  readonly takesArguments: boolean;
  /**
   * The result is the exit code. UseError, InputError and InjectorError (of the API server) are
   * reported by the frame; whatever else is thrown is a bug.
   */
  run(args: ParsedArgs, deps: CommandLineDeps): Promise<number>;
}

/** The value of an option that takes one; null when it was not given. */
export function textOf({ values }: ParsedArgs, option: string): string | null {
  const value = values[option];
  return typeof value === "string" ? value : null;
}

export function isSet({ values }: ParsedArgs, option: string): boolean {
  return values[option] === true;
}
