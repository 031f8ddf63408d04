/** How answers are printed: a table for people, JSON or YAML with the same content for programs. */
import { dump } from "js-yaml";
import { type ParsedArgs, textOf } from "./command.ts";
import type { CommandLineDeps } from "./deps.ts";
import { UseError } from "./failure.ts";

const formats = ["table", "json", "yaml"] as const;
export type Format = (typeof formats)[number];

/** For `Command.options`. */
export const outputOptions = { output: { type: "string", short: "o" } } as const;

/** For `Command.details`. */
export const outputHelp = `  -o, --output FORMAT   table (default), json or yaml`;

export function readFormat(args: ParsedArgs): Format {
  const given = textOf(args, "output") ?? "table";
  const format = formats.find((name) => name === given);
  if (format === undefined) {
    throw new UseError(`--output "${given}" is not one of ${formats.join(", ")}`);
  }
  return format;
}

/** `content` is what JSON and YAML show; `table` says the same to people. */
export interface Answer {
  readonly content: object;
  readonly table: string;
}

export function writeAnswer(answer: Answer, format: Format, deps: CommandLineDeps): void {
  deps.writeStdout(formatAnswer(answer, format));
}

function formatAnswer({ content, table }: Answer, format: Format): string {
  if (format === "table") return table;
  // What JSON leaves out, such as undefined, YAML leaves out too.
  const text = JSON.stringify(content, null, 2);
  return format === "json" ? `${text}\n` : dump(JSON.parse(text), { lineWidth: -1, noRefs: true });
}

const tones = { good: "32", warning: "33", bad: "31", faint: "2" } as const;
export type Tone = keyof typeof tones;

/** A cell with a tone is coloured on terminals, and only there. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

const textIn = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);

export function paint(cell: Cell, isColoured: boolean): string {
  if (typeof cell === "string" || !isColoured) return textIn(cell);
  return `\u001B[${tones[cell.tone]}m${cell.text}\u001B[0m`;
}

/** Columns are aligned, the last one is not filled up; lines have no blanks at their end. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  isColoured: boolean,
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textIn(row[column] ?? "").length)),
  );
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const isLast = row.slice(column + 1).every((next) => textIn(next) === "");
        const fill = isLast ? 0 : (widths[column] ?? 0) - textIn(cell).length;
        return paint(cell, isColoured) + " ".repeat(Math.max(0, fill));
      })
      .join("   ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}
