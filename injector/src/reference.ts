/** Renders docs/reference/webhook.md from the tables that the webhook runs on. Pure. */
import { variables } from "./config.ts";
import { errorTable } from "./errors.ts";

export interface MetricAbout {
  readonly name: string;
  readonly help: string;
}

export function renderReference(metrics: readonly MetricAbout[]): string {
  return [
    "# Webhook: reference",
    "",
    "Made from the source by `make golden`; do not edit.",
    "",
    "## Environment",
    "",
    "Set by the chart. An empty value counts as unset. A value that is not accepted, or an unknown `INJECTOR_` variable, ends the process with exit code 2 after all problems have been logged. What people configure is in the [settings](settings.md).",
    "",
    ...table(
      ["variable", "default", "accepted", "meaning"],
      variables.map(({ name, fallback, accepts, about }) => [
        `\`${name}\``,
        defaultOf(fallback),
        accepts,
        about,
      ]),
    ),
    "",
    "## Admin port",
    "",
    ...table(
      ["request", "answer"],
      [
        ["`GET /health`", "200 while the process runs"],
        [
          "`GET /ready`",
          "200 when the API server may send pods here, else 503. JSON with each check: `certificate` (loaded and not expired), `caBundle` (the API server trusts it), `namespaces` (listed), `process` (not shutting down); and the last `error` of the certificates",
        ],
        ["`GET /metrics`", "metrics in Prometheus' text format"],
      ],
    ),
    "",
    "## Metrics",
    "",
    "Besides those of the process that prom-client brings. `reason` is one of [reasons](reasons.md), or a code from below.",
    "",
    ...table(
      ["metric", "meaning"],
      metrics.map(({ name, help }) => [`\`${name}\``, help]),
    ),
    "",
    "## Errors",
    "",
    "Codes in log lines, answers and metrics.",
    "",
    ...table(
      ["code", "status", "meaning"],
      Object.entries(errorTable).map(([code, { status, about }]) => [
        `\`${code}\``,
        String(status),
        about,
      ]),
    ),
    "",
  ].join("\n");
}

function defaultOf(fallback: string | null): string {
  if (fallback === null) return "required";
  return fallback === "" ? "" : `\`${fallback}\``;
}

/** Columns are aligned, as the formatter would. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
