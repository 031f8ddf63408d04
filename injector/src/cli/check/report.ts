/** The checks, as people read them. Pure. */
import { type Cell, formatTable, type Tone } from "../output.ts";
import { type Checked, checks, type Result } from "./table.ts";

const tones = { ok: "good", warning: "warning", failure: "bad" } as const satisfies Record<
  Result,
  Tone
>;

export function formatChecks(checked: readonly Checked[], isColoured: boolean): string {
  const places = [...new Set(checked.map(({ installation }) => installation))];
  const parts = places.map((place) => {
    const ofPlace = checked.filter(({ installation }) => installation === place);
    const title = place === null ? "Cluster" : `Installation ${place}`;
    return `${title}\n${formatRows(ofPlace, isColoured)}`;
  });
  return `${parts.join("\n")}\n${summarize(checked)}\n`;
}

function formatRows(rows: readonly Checked[], isColoured: boolean): string {
  const lines: Cell[][] = rows.flatMap(({ code, result, detail, fix }) => {
    const row = [code, { text: result, tone: tones[result] }, detail || checks[code].sentence];
    return fix === null ? [row] : [row, ["", "", `Fix: ${fix}`]];
  });
  return formatTable(["CHECK", "RESULT", "DETAIL"], lines, isColoured);
}

export function count(checked: readonly Checked[], result: Result): number {
  return checked.filter((one) => one.result === result).length;
}

function summarize(checked: readonly Checked[]): string {
  const numbers = (["ok", "warning", "failure"] as const).map((result) => {
    const number = count(checked, result);
    if (result === "ok") return `${number} ok`;
    return `${number} ${result}${number === 1 ? "" : "s"}`;
  });
  return `${checked.length} checks: ${numbers.join(", ")}`;
}
