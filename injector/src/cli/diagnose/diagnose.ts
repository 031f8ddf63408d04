/** From facts to rows, and to what is printed. Pure. */
import { type Cell, formatTable, paint, type Tone } from "../output.ts";
import { checks, type Row, type Verdict } from "./checks.ts";
import { type Facts, isRedirected } from "./facts.ts";
import { findNoBouncer, podRows } from "./pod-rows.ts";
import type { PodFacts } from "./pod.ts";
import { policyRows } from "./policy-rows.ts";
import { trafficRows } from "./traffic-rows.ts";

export function diagnose(facts: Facts): readonly Row[] {
  return [...podRows(facts), ...trafficRows(facts), ...policyRows(facts)];
}

/** A pod without a bouncer has one row: nothing else can be said. */
export function diagnoseWithout(pod: PodFacts): readonly Row[] | null {
  const none = findNoBouncer(pod);
  return none === null ? null : [none];
}

const severity = ["ok", "unknown", "warning", "fail"] as const satisfies readonly Verdict[];

/** `unknown` is no answer, so something known is not made worse by it than by a warning. */
export function worst(rows: readonly Row[]): Verdict {
  const ranks = rows.map(({ verdict }) => severity.indexOf(verdict));
  return severity[Math.max(0, ...ranks)] ?? "ok";
}

const tones: Readonly<Record<Verdict, Tone>> = {
  ok: "good",
  warning: "warning",
  fail: "bad",
  unknown: "faint",
};

const nameOf = ({ code, subject }: Row): string =>
  subject === "" ? checks[code].title : `${checks[code].title}, ${subject}`;

export function formatRows(pod: PodFacts, rows: readonly Row[], isColoured: boolean): string {
  const cells = rows.map((row): readonly Cell[] => [
    { text: row.verdict, tone: tones[row.verdict] },
    nameOf(row),
    row.detail,
  ]);
  const table = formatTable(["VERDICT", "CHECK", "DETAIL"], cells, isColoured);
  return `pod ${pod.namespace}/${pod.name}\n\n${table}${formatNext(rows, isColoured)}`;
}

/** One line for each step, however many rows it would help. */
function formatNext(rows: readonly Row[], isColoured: boolean): string {
  const helped = Map.groupBy(
    rows.filter(({ next }) => next !== ""),
    ({ next }) => next,
  );
  if (helped.size === 0) return "";
  const lines = [...helped].map(([next, for_]) => {
    const names = for_.length > 2 ? `${for_.length} rows` : for_.map(nameOf).join("; ");
    return `  ${paint({ text: `${names}:`, tone: "faint" }, isColoured)} ${next}\n`;
  });
  return `\nNext steps\n${lines.join("")}`;
}

/** For JSON and YAML. */
export function buildContent(pod: PodFacts, rows: readonly Row[]): object {
  const { namespace, name } = pod;
  const mode = isRedirected(pod) ? "redirect" : "service";
  return {
    pod: { namespace, name },
    mode: pod.sidecar === null ? null : mode,
    verdict: worst(rows),
    rows,
  };
}
