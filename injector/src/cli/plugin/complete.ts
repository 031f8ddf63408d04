/**
 * Completion of `kubectl bouncer ...`, as kubectl asks plugins for it (`kubectl_complete-bouncer`):
 * the words so far in, a candidate a line out, then a colon and what the shell shall do. Pure.
 */
import type { Command } from "../command.ts";

/** Of cobra's ShellCompDirective: other candidates, such as files, are the shell's business, or not. */
const directive = { files: 0, none: 4 } as const;

type Shape = Pick<Command, "name" | "summary" | "options">;

/** The last word is the one that is being written. */
export function complete(words: readonly string[], commands: readonly Shape[]): string {
  const [name = "", ...rest] = words;
  const last = rest.at(-1);
  if (last === undefined) {
    return answer(
      name,
      commands.map((command) => [command.name, command.summary]),
      directive.none,
    );
  }
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return answer(last, [], directive.none);
  const before = rest.at(-2) ?? "";
  if (takesFile(command, before)) return answer(last, [], directive.files);
  const flags = Object.keys({ ...command.options, help: {} }).map((flag): Candidate => [
    `--${flag}`,
  ]);
  return answer(last, last.startsWith("-") ? flags : [], directive.none);
}

type Candidate = readonly [word: string, about?: string];

const files: ReadonlySet<string> = new Set(["filename", "config", "kubeconfig"]);

function takesFile({ options }: Shape, word: string): boolean {
  const found = Object.entries(options).find(
    ([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  return found !== undefined && files.has(found[0]);
}

function answer(start: string, candidates: readonly Candidate[], what: number): string {
  const lines = candidates
    .filter(([word]) => word.startsWith(start))
    .map(([word, about]) => (about === undefined ? word : `${word}\t${about}`));
  return [...lines, `:${what}`].map((line) => `${line}\n`).join("");
}
