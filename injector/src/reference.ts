/** Renders docs/reference/webhook.md from the tables that the webhook runs on. Pure. */
import {
  type MetricAbout,
  renderMetrics,
  renderTable,
  renderVariables,
} from "bouncer-environment/reference";
import { table } from "./config.ts";
import { errorTable } from "./errors.ts";

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
    renderVariables(table),
    "## Admin port",
    "",
    renderTable(
      ["Request", "Answer"],
      [
        ["`GET /health`", "200 while the process runs"],
        [
          "`GET /ready`",
          "200 when the API server may send pods here, else 503. JSON with each check: `certificate` (loaded and not expired), `caBundle` (the API server trusts it), `namespaces` (listed), `cluster` (its versions are read, or cannot be), `process` (not shutting down); and the last `error` of the certificates",
        ],
        ["`GET /metrics`", "metrics in Prometheus' text format"],
      ],
    ),
    "## Metrics",
    "",
    "Besides those of the process that prom-client brings. `reason` is one of [reasons](reasons.md), or a code from below; `unchanged` is an update of a workload that leaves its pods alone. `result` is `injected`, `skipped`, `denied` or `failed` for pods, `warned`, `silent`, `unchanged` or `failed` for workloads, `written`, `repeated`, `dropped` or `failed` for Events, and `evicted`, `blocked` (by a PodDisruptionBudget), `gone` or `failed` for evictions.",
    "",
    renderMetrics(metrics),
    "## Errors",
    "",
    "Codes in log lines, answers and metrics.",
    "",
    renderTable(
      ["Code", "Status", "Meaning"],
      Object.entries(errorTable).map(([code, { status, about }]) => [
        `\`${code}\``,
        String(status),
        about,
      ]),
    ),
  ].join("\n");
}
