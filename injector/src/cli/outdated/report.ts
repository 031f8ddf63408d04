/** What `outdated` prints. Pure. */
import { type Cell, formatTable, type Tone } from "../output.ts";
import type { Outcome } from "./restart.ts";
import { titleOf, type Workload } from "./workload.ts";

export interface Survey {
  /** Pods that were compared. */
  readonly compared: number;
  readonly workloads: readonly Workload[];
}

/** Null: nothing was to be restarted. */
export type Outcomes = readonly Outcome[] | null;

const results = {
  restarted: { text: "restarted", tone: "good" },
  left: { text: "left alone", tone: "warning" },
  failed: { text: "failed", tone: "bad" },
  not_begun: { text: "not begun", tone: "faint" },
} as const satisfies Readonly<
  Record<Outcome["kind"], { readonly text: string; readonly tone: Tone }>
>;

/** Details, each once, however many pods have it. */
function reasonsOf({ pods }: Workload): string {
  const details = pods.flatMap(({ reasons }) => reasons.map(({ detail }) => detail));
  return [...new Set(details)].join("; ");
}

const countPods = (pods: number) => (pods === 1 ? "1 pod" : `${pods} pods`);

export function formatSurvey(survey: Survey, outcomes: Outcomes, isColoured: boolean): string {
  const { compared, workloads } = survey;
  const outdated = workloads.reduce((sum, { pods }) => sum + pods.length, 0);
  if (outdated === 0) return `${countPods(compared)} compared, none is outdated\n`;
  const rows = workloads.map((workload, index): readonly Cell[] => [
    workload.namespace,
    titleOf(workload),
    String(workload.pods.length),
    ...formatOutcome(outcomes?.[index]),
    reasonsOf(workload),
  ]);
  const result = outcomes === null ? [] : ["RESULT"];
  const table = formatTable(["NAMESPACE", "WORKLOAD", "PODS", ...result, "WHY"], rows, isColoured);
  const sum = `${countPods(compared)} compared, ${outdated} outdated\n`;
  return `${table}${formatNotes(workloads, outcomes)}\n${sum}`;
}

const formatOutcome = (outcome: Outcome | undefined): readonly Cell[] =>
  outcome === undefined ? [] : [results[outcome.kind]];

/** Why something was not restarted. */
function formatNotes(workloads: readonly Workload[], outcomes: Outcomes): string {
  const notes = workloads.flatMap((workload, index) => {
    const outcome = outcomes?.[index];
    if (outcome === undefined || !("why" in outcome)) return [];
    return [`  ${workload.namespace}/${titleOf(workload)}: ${outcome.why}\n`];
  });
  return notes.length === 0 ? "" : `\nNot restarted\n${notes.join("")}`;
}

/** For JSON and YAML. */
export function buildSurvey({ compared, workloads }: Survey, outcomes: Outcomes): object {
  return {
    compared,
    outdated: workloads.map(({ namespace, ref, pods }, index) => ({
      namespace,
      ...ref,
      pods: pods.map(({ name, reasons }) => ({ name, reasons })),
      ...(outcomes !== null && { result: outcomes[index] }),
    })),
  };
}

/** Whether pods stay as they were. */
export function isLeftOver({ workloads }: Survey, outcomes: Outcomes): boolean {
  if (outcomes === null) return workloads.length > 0;
  return outcomes.some(({ kind }) => kind !== "restarted");
}
