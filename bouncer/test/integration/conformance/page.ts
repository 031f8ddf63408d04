/** docs/reference/http-conformance.md: rows and targets, and why others do otherwise. */
import { differences } from "./differences.ts";
import { type Golden, type GoldenName, goldenNames, readGolden, titles } from "./golden.ts";
import { groups } from "./rows.ts";
import { webSocketRows } from "./websocket.ts";

type Goldens = ReadonlyMap<GoldenName, Golden>;

export function readGoldens(): Goldens {
  const goldens = new Map<GoldenName, Golden>();
  for (const name of goldenNames) {
    const golden = readGolden(name);
    if (golden === null) throw new Error(`${titles[name]} was never run`);
    goldens.set(name, golden);
  }
  return goldens;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** Long targets and headers are there for their length. */
function shorten(text: string): string {
  return text.replaceAll(/(.)\1{20,}/g, "$1...");
}

function cellOf(golden: Golden | undefined, row: string): string {
  if (golden === undefined || golden.unasked.includes(row)) return "-";
  const outcome = golden.differs[row];
  return outcome === undefined ? "same" : escapeCell(shorten(outcome));
}

function countSame(golden: Golden | undefined, rows: readonly string[]): string {
  const asked = rows.filter((row) => golden?.unasked.includes(row) === false);
  const same = asked.filter((row) => golden?.differs[row] === undefined);
  return asked.length === 0 ? "-" : `${same.length} of ${asked.length}`;
}

function namesOf({ title, rows }: (typeof groups)[number]): string[] {
  return rows.map(({ name }) => `${title}: ${name}`);
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function renderSummary(goldens: Goldens): string {
  const columns = goldenNames.map((name) => titles[name]);
  const all = groups.flatMap(namesOf);
  const counts = (rows: readonly string[]): string[] =>
    goldenNames.map((name) => countSame(goldens.get(name), rows));
  return [
    tableRow(["", "bouncer", ...columns]),
    tableRow(["---", "---", ...columns.map(() => "---")]),
    ...groups.map((group) => {
      const { length } = group.rows;
      return tableRow([group.title, `${length} of ${length}`, ...counts(namesOf(group))]);
    }),
    tableRow(["all", `${all.length} of ${all.length}`, ...counts(all)]),
  ].join("\n");
}

function renderGroup(group: (typeof groups)[number], goldens: Goldens): string {
  const columns = goldenNames.map((name) => titles[name]);
  const reasons = differences[group.title] ?? {};
  const sentences = goldenNames.flatMap((name) => {
    const reason = reasons[name];
    return reason === undefined ? [] : [`- ${titles[name]}: ${reason}`];
  });
  const lines = group.rows.map(({ name, section }) => {
    const cells = goldenNames.map((golden) =>
      cellOf(goldens.get(golden), `${group.title}: ${name}`),
    );
    return tableRow([escapeCell(name), section, ...cells]);
  });
  return [
    `## ${group.title}`,
    ...(sentences.length === 0 ? [] : ["", ...sentences]),
    "",
    tableRow(["Row", "RFC", ...columns]),
    tableRow(["---", "---", ...columns.map(() => "---")]),
    ...lines,
  ].join("\n");
}

function renderWebSocket(): string {
  return [
    "## WebSocket",
    "",
    "With `ws` at both ends, through the bouncer's codec and through node:http + undici; both pass",
    "all of these, and a hundred conversations at once.",
    "",
    tableRow(["Row", "RFC"]),
    tableRow(["---", "---"]),
    ...webSocketRows.map(({ name, section }) => tableRow([escapeCell(name), section])),
  ].join("\n");
}

function versionOf(goldens: Goldens, name: GoldenName): string {
  return goldens.get(name)?.version ?? "";
}

export function renderPage(goldens: Goldens): string {
  const version = (name: GoldenName): string => versionOf(goldens, name);
  return `# HTTP/1.1 conformance

What the bouncer does with bytes on the wire, as rows that a suite runs: a raw client sends, a raw
application answers, and both look at every byte that they get. Each row says where it is from (RFC
and section). The bouncer passes all of them. The same rows are run against its reference, node:http
and undici behind the same handler (${version("reference")}), and for comparison against HAProxy ${version("haproxy")}, nginx ${version("nginx")}
and Envoy ${version("envoy")}, set up as a sidecar would be: bodies are streamed, connections reused, all else
as it comes.

A row says what the bouncer has chosen where an RFC leaves a choice, and it chooses strictness: that
another proxy does otherwise is, mostly, its right. \`same\`: as the row says; \`-\`: not asked, as the
row needs a setting that only the bouncer has; "in vain": nothing came for 2.5 s. Made from
\`bouncer/test/integration/conformance\`.

${renderSummary(goldens)}

${groups.map((group) => renderGroup(group, goldens)).join("\n\n")}

${renderWebSocket()}
`;
}
