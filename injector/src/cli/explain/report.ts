/** An explanation, as people read it. Pure. */
import { type Cell, formatTable, paint, type Tone } from "../output.ts";
import { type ExplainedInstallation, type Explanation, titleOf } from "./explanation.ts";
import type { Step } from "./matching.ts";
import type { Running } from "./running.ts";

const words = {
  injected: { text: "injected", tone: "good" },
  not_injected: { text: "NOT injected", tone: "bad" },
  denied: { text: "REFUSED", tone: "bad" },
  unknown: { text: "not known", tone: "warning" },
} as const satisfies Record<Explanation["verdict"], Cell>;

const tones = { passes: "good", stops: "bad", unknown: "warning" } as const satisfies Record<
  Step["verdict"],
  Tone
>;

export function formatExplanation(explanation: Explanation, isColoured: boolean): string {
  const { object, namespace, verdict, code, sentence, fix, problems, warnings } = explanation;
  const lines = [
    `${object} in namespace ${namespace}: ${paint(words[verdict], isColoured)} (${code})`,
    `  ${sentence}`,
    ...problems.filter((problem) => problem !== sentence).map((problem) => `  - ${problem}`),
    ...(fix === "-" ? [] : [`  Fix: ${fix}`]),
    ...formatRunning(explanation.running),
    ...explanation.notes.map((note) => `  Note: ${note}`),
    ...warnings.map((warning) => `  Warning: ${warning.message} (${warning.code})`),
  ];
  const installations = explanation.installations.map((one) => formatSteps(one, isColoured));
  return [`${lines.join("\n")}\n`, ...installations].join("\n");
}

function formatRunning(running: Running | null): string[] {
  if (running === null || !running.hasBouncer) return [];
  const version = running.version ?? "that cannot be read";
  return [
    `  It was injected by version ${version}.`,
    ...running.differences.map((difference) => `  Differs: ${difference}`),
  ];
}

function formatSteps(installation: ExplainedInstallation, isColoured: boolean): string {
  const rows = installation.steps.map(({ by, step, verdict, detail }) => [
    by,
    step,
    { text: verdict, tone: tones[verdict] },
    detail,
  ]);
  const table = formatTable(["BY", "STEP", "VERDICT", "DETAIL"], rows, isColoured);
  return `${headOf(installation)}\n${table}`;
}

function headOf(installation: ExplainedInstallation): string {
  const { namespace, name, revision, version } = installation;
  if (namespace === "") return `Without a cluster, by version ${version ?? ""}`;
  const revisionText = revision === "" ? "default" : (revision ?? "not known");
  return `Installation ${titleOf({ namespace, name })}, revision ${revisionText}, version ${version ?? "not known"}`;
}
