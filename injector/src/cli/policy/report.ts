/** The table of `policy status`. Pure. */
import { type Cell, formatTable } from "../output.ts";
import type { PolicyStatus } from "./fleet.ts";

export interface ReportOptions {
  readonly all: boolean;
  readonly isColoured: boolean;
}

type Rows = readonly (readonly Cell[])[];
type BundleRow = PolicyStatus["bouncers"][number]["bundles"][number];

export function formatStatus(status: PolicyStatus, options: ReportOptions): string {
  const { isColoured } = options;
  const sections = [
    formatTable(["BUNDLE", "REVISION", "SHA-256", "REPLICAS"], bundleRows(status), isColoured),
    section(
      ["CANDIDATE", "FOR", "REVISION", "PERCENT", "DECISIONS", "DIFFERING", "STATE"],
      rolloutRows(status),
      isColoured,
    ),
    section(
      ["BOUNCER", "BUNDLE", "REVISION", "STATE"],
      bouncerRows(status, options.all),
      isColoured,
    ),
    status.problems.map((problem) => `problem: ${problem}\n`).join(""),
    `${summarize(status)}\n`,
  ];
  return sections.filter((text) => text !== "").join("\n");
}

function section(header: readonly string[], rows: Rows, isColoured: boolean): string {
  return rows.length === 0 ? "" : formatTable(header, rows, isColoured);
}

/** As much of it as tells bundles apart. */
function shorten(sha256: string | null): string {
  return sha256?.slice(0, 12) ?? "-";
}

function shown(revision: string | null): string {
  return revision === null || revision === "" ? "-" : revision;
}

function bundleRows({ bundles }: PolicyStatus): Rows {
  return bundles.map(({ name, revision, sha256, replicas }) => [
    name,
    shown(revision),
    shorten(sha256),
    String(replicas),
  ]);
}

function rolloutRows({ rollouts, bouncers }: PolicyStatus): Rows {
  return rollouts.map(({ bundle, candidate, revision, sha256, percent, stopped }) => {
    const tries = bouncers
      .flatMap(({ bundles }) => bundles)
      .flatMap((row) => (row.candidate?.sha256 === sha256 ? [row.candidate] : []));
    const sum = (of: "decisions" | "differing"): string =>
      String(tries.reduce((total, one) => total + one[of], 0));
    const enforcing = tries.filter(({ enforced }) => enforced).length;
    const state: Cell =
      stopped === null
        ? `${enforcing} of ${tries.length} enforce it`
        : { text: `given up: ${stopped.bouncer}: ${stopped.reason}`, tone: "bad" };
    return [
      candidate,
      bundle,
      shown(revision),
      String(percent),
      sum("decisions"),
      sum("differing"),
      state,
    ];
  });
}

function bouncerRows({ bouncers }: PolicyStatus, all: boolean): Rows {
  return bouncers
    .filter(({ current, bundles }) => all || !current || bundles.some(isNotable))
    .flatMap(({ bouncer, bundles }) =>
      bundles.map((row) => [bouncer, row.bundle, shown(row.revision), describe(row)]),
    );
}

function isNotable({ candidate }: BundleRow): boolean {
  return candidate !== null && (candidate.stopped !== null || candidate.error !== null);
}

function describe({ current, error, sha256, candidate }: BundleRow): Cell {
  if (candidate?.stopped !== null && candidate?.stopped !== undefined) {
    return { text: `gave up ${shown(candidate.revision)}: ${candidate.stopped}`, tone: "bad" };
  }
  if (error !== null) return { text: error, tone: "bad" };
  if (sha256 === null) return { text: "has no policy", tone: "bad" };
  if (!current) return { text: "not what is served", tone: "warning" };
  if (candidate?.enforced === true) return `enforces candidate ${shown(candidate.revision)}`;
  return { text: "current", tone: "good" };
}

function summarize({ bouncers }: PolicyStatus): string {
  const current = bouncers.filter((one) => one.current).length;
  return `${current} of ${bouncers.length} bouncers enforce what is served`;
}
