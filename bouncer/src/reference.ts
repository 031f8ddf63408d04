/** Renders docs/reference/configuration.md from the tables that the bouncer runs on. Pure. */
import {
  type MetricAbout,
  renderMetrics,
  renderTable,
  renderVariables,
} from "bouncer-environment/reference";
import { table } from "./config/table.ts";
import { adminPath } from "./contract.ts";
import { failures, type RefusalReason, refusalOf, reasons } from "./errors.ts";
import { rows } from "./proxy/degraded.ts";
import { redirectTable } from "./redirect/settings.ts";

function describePassages(reason: RefusalReason): string {
  const { degraded, shadow } = rows[reason];
  return [...(degraded ? ["degraded"] : []), ...(shadow ? ["shadow"] : [])].join(", ");
}

export function renderReference(metrics: readonly MetricAbout[]): string {
  return [
    "# Bouncer: reference",
    "Made from the source by its tests (`vitest run --project unit bouncer/src/reference -u`); do not edit.",
    "",
    "## Environment",
    "Of `bouncer serve` and `bouncer load`. An empty value counts as unset. A value that is not accepted ends the process with exit code 2 after all problems have been named.",
    "",
    renderVariables(table),
    "Of `bouncer redirect`, set by the injector.",
    "",
    renderVariables(redirectTable),
    "## Admin paths",
    "On `ADMIN_PORT`, and on the application's ports as `ADMIN_ON_PROXY_PORT` says.",
    "",
    renderTable(
      ["Request", "Answer"],
      [
        [`\`GET ${adminPath.health}\``, "200 as soon as every port is listened on; else 503."],
        [
          `\`GET ${adminPath.ready}\``,
          "200 when a policy is active, or not needed (`SHADOW_MODE`), and the pod is not terminating; else 503 with `reason` (`starting`, `no_policy`, `draining`) and `detail`.",
        ],
        [`\`GET ${adminPath.metrics}\``, "Metrics in Prometheus' text format."],
        [
          `\`GET ${adminPath.status}\``,
          "What is listened on, in flight, enforced and recorded, in JSON.",
        ],
        [
          `\`POST ${adminPath.refresh}\``,
          "From loopback only: fetches and activates the policy now; 502 when that failed.",
        ],
        [
          `\`GET ${adminPath.probe}/<token>/<container>/<field>\``,
          "Performs the container's original probe or hook and answers as the application did. `ADMIN_PORT` only.",
        ],
        [
          `\`GET ${adminPath.drain}/<token>\``,
          `The pod is terminating: \`${adminPath.ready}\` fails, responses carry \`Connection: close\`. \`ADMIN_PORT\` only.`,
        ],
        [
          `\`GET ${adminPath.diagnosis}/<token>\``,
          "Connects to each of the application's ports and performs each probe once, now, for at most 2 seconds; answers with what came of it, and with the state of the policy, its source and the audit log, in JSON. Hooks are not performed. `ADMIN_PORT` only.",
        ],
      ],
    ),
    "## Refusals",
    "What a client gets instead of the application's answer: `x-bouncer-reason`, `x-bouncer-decision-id` and, unless the policy chose a body, both as JSON. The policy may choose another status for `policy`. Let through all the same, as [data-path.md](data-path.md) says: *degraded*, on a route of `DEGRADED_ROUTES`; *shadow*, where `SHADOW_MODE` is on.",
    "",
    renderTable(
      ["Reason", "Status", "Log level", "Let through", "Meaning"],
      reasons.map((reason) => {
        const { status, level, sentence } = refusalOf(reason);
        return [`\`${reason}\``, String(status), level, describePassages(reason), sentence];
      }),
    ),
    "## Failures",
    "`code` in logs, in `/v1/status` and in what is reported to the bridge.",
    "",
    renderTable(
      ["Code", "Log level", "Meaning"],
      Object.entries(failures).map(([code, { level, sentence }]) => [
        `\`${code}\``,
        level,
        sentence,
      ]),
    ),
    "## Metrics",
    renderMetrics(metrics),
    "## Exit codes",
    "`0`: ended as asked. `1`: a port is in use, a file cannot be written, requests were cut off at the end of the drain, or `bouncer wait` waited in vain. `2`: the configuration or the command line is not valid.",
    "",
  ].join("\n");
}
