/** Every command for people. */
import { bundleCommand } from "./bundle.ts";
import { type Command, type Output, runCommand } from "./command.ts";
import { evalCommand } from "./eval.ts";
import { replayCommand } from "./replay.ts";

export const commands: readonly Command[] = [bundleCommand, evalCommand, replayCommand];

/** null: there is no such command. */
export async function runNamed(
  name: string,
  argv: readonly string[],
  output: Output,
): Promise<number | null> {
  const command = commands.find((one) => one.name === name);
  return command === undefined ? null : await runCommand(command, argv, output);
}
