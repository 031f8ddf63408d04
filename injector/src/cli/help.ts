/** The texts of `--help`: of the program and of each command. */
import type { Command } from "./command.ts";
import { formatTable } from "./output.ts";

const exitCodes = `Exit codes: 0 good; 1 the input, the configuration or the cluster is not usable;
2 wrong use; 3 the answer is no.
`;

/** Started by the chart, not by people. */
const services = [
  ["serve", "the webhook"],
  ["self-test", "asks a running webhook, for helm test"],
] as const;

const indent = (text: string) => text.replaceAll(/^(?=.)/gm, "  ");

export function programHelp(program: string, commands: readonly Command[]): string {
  const rows = [...commands.map(({ name, summary }) => [name, summary]), ...services];
  const [, ...list] = formatTable(["", ""], rows, false).split(/(?<=\n)/);
  return `${program}: puts a bouncer into pods, and says why or why not

${commands.map(({ usage }) => usageLines(program, usage)).join("")}
${indent(list.join(""))}
  -h, --help            of the program, or of a command: ${program} ${commands[0]?.name ?? ""} --help
      --version         print the version

${exitCodes}`;
}

export function commandHelp(program: string, { usage, details }: Command): string {
  return `${usageLines(program, usage)}
${details}  -h, --help            print this text

${exitCodes}`;
}

const usageLines = (program: string, usage: string) =>
  usage
    .split("\n")
    .map((line) => `  ${program} ${line}\n`)
    .join("");
