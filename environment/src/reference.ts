/** Renders tables of a program's reference in Markdown. Pure. */
import type { Table, Variable } from "./table.ts";

/** What the reference says of a metric. */
export interface MetricAbout {
  readonly name: string;
  readonly help: string;
}

function renderRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}

export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map(renderRow).join("");
}

export function renderVariables(table: Table): string {
  const rows = Object.values(table).map(({ about }) => [
    `\`${about.name}\``,
    renderFallback(about),
    about.accepts,
    about.doc + (about.secret === true ? " Never logged." : ""),
  ]);
  return renderTable(["Variable", "Default", "Accepted", "Meaning"], rows);
}

function renderFallback({ required, fallback }: Variable<unknown>["about"]): string {
  if (required) return "required";
  return fallback === null || fallback === "" ? "" : `\`${fallback}\``;
}

export function renderMetrics(metrics: readonly MetricAbout[]): string {
  return renderTable(
    ["Name", "Meaning"],
    metrics.map(({ name, help }) => [`\`${name}\``, help]),
  );
}
