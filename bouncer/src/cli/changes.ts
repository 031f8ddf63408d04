/** What another bundle would decide differently: counted, and grouped by what was asked. Pure. */
import type { Decision } from "../policy/decision.ts";
import type { Recorded } from "./recorded.ts";
import { renderTable } from "./table.ts";

type Asked = Extract<Recorded, { kind: "decision" }>;

export interface Change {
  /** Method and path without query; numbers and UUIDs in it as `*`. */
  readonly request: string;
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** So many of them were asked with less than the bouncer had. */
  readonly partial: number;
  /** The id of one such decision. */
  readonly example: string;
}

export interface Summary {
  readonly decisions: number;
  readonly changed: number;
  readonly partial: number;
  /** Records of requests that no policy had decided. */
  readonly undecided: number;
  /** Lines that are no decisions. */
  readonly other: number;
  readonly changes: readonly Change[];
}

export interface Changes {
  add(record: Asked, decision: Pick<Decision, "verdict">): void;
  pass(kind: "undecided" | "other"): void;
  summary(): Summary;
  render(): string;
}

/** Groups beyond it are counted, not listed: logs come from whoever sends requests. */
const maxGroups = 1000;

export function createChanges(): Changes {
  const groups = new Map<string, Change>();
  const totals = { decisions: 0, changed: 0, partial: 0, undecided: 0, other: 0 };

  function add(record: Asked, { verdict }: Pick<Decision, "verdict">): void {
    totals.decisions += 1;
    if (record.isPartial) totals.partial += 1;
    if (verdict.kind === record.verdict) return;
    totals.changed += 1;
    const request = groupOf(record.subject);
    const to = verdict.kind === "allow" ? "allow" : `deny (${verdict.reason})`;
    const key = JSON.stringify([request, record.verdict, to]);
    const known = groups.get(key);
    if (known === undefined && groups.size >= maxGroups) return;
    groups.set(key, {
      request,
      from: record.verdict,
      to,
      count: (known?.count ?? 0) + 1,
      partial: (known?.partial ?? 0) + Number(record.isPartial),
      example: known?.example ?? record.id,
    });
  }

  function summary(): Summary {
    const changes = [...groups.values()].toSorted((one, other) => other.count - one.count);
    return { ...totals, changes };
  }

  return {
    add,
    pass: (kind) => {
      totals[kind] += 1;
    },
    summary,
    render: () => renderSummary(summary()),
  };
}

function groupOf(subject: string): string {
  const [method = "", target = ""] = subject.split(" ", 2);
  const [path = ""] = target.split("?", 1);
  const segments = path
    .split("/")
    .map((segment) => (/^(?:\d+|[\da-f-]{36})$/i.test(segment) ? "*" : segment));
  return method === "" ? "(connection)" : `${method} ${segments.join("/")}`;
}

function renderSummary({ changes, ...totals }: Summary): string {
  const rows = changes.map(({ request, from, to, count, partial, example }) => [
    request,
    from,
    to,
    `${count}${partial > 0 ? "*" : ""}`,
    example,
  ]);
  const table =
    rows.length === 0
      ? ""
      : `${renderTable(["REQUEST", "RECORDED", "WOULD BE", "COUNT", "FOR INSTANCE"], rows)}\n`;
  const { decisions, changed, partial, undecided, other } = totals;
  const lines = [
    `${changed} of ${decisions} decisions would change`,
    ...(partial === 0
      ? []
      : [`* ${partial} were asked with less than the bouncer had: parts of the log are masked`]),
    ...(undecided === 0 ? [] : [`${undecided} records had no decision of a policy`]),
    ...(other === 0 ? [] : [`${other} lines are no decisions`]),
  ];
  return table + lines.map((line) => `${line}\n`).join("");
}
