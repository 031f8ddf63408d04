/** Renders docs/reference/bridge.md from the tables that the bridge runs on. Pure. */
import {
  type MetricAbout,
  renderMetrics,
  renderTable,
  renderVariables,
} from "bouncer-environment/reference";
import { adminPaths } from "./admin.ts";
import { table } from "./config.ts";
import { errorTable } from "./errors.ts";
import { bundlesPath, syncPath } from "./protocol.ts";
import { rolloutExample, rolloutFields } from "./rollout.ts";

export function renderReference(metrics: readonly MetricAbout[]): string {
  return [
    "# Bridge: reference",
    "Made from the source by its tests (`vitest run --project unit bridge -u`); do not edit.",
    "",
    "## Environment",
    "An empty value counts as unset. A value that is not accepted, or an unknown `BRIDGE_` variable, ends the process with exit code 2 after all problems have been logged.",
    "",
    renderVariables(table),
    "## For bouncers",
    "On `BRIDGE_PORT`, with `Authorization: Bearer <token>`.",
    "",
    renderTable(
      ["Request", "Answer"],
      [
        [
          `\`GET ${bundlesPath}<name>\``,
          "The bundle, with its SHA-256 as `ETag`. `If-None-Match` answers 304 when it has not changed; with `Prefer: wait=N` only after N seconds (300 at most) or as soon as it changes. `HEAD` too.",
        ],
        [
          `WebSocket \`${syncPath}\``,
          "Hints and reports: [bridge-protocol.md](../bridge-protocol.md).",
        ],
      ],
    ),
    "## `rollout.json`",
    "Beside the bundles, or at a URL of `BRIDGE_UPSTREAM`. What is not as it should be is told, in the log and at `/v1/bouncers`, and changes nothing.",
    "",
    "```json",
    JSON.stringify(rolloutExample, null, 2),
    "```",
    "",
    renderTable(
      ["Field", "Accepted", "Meaning"],
      Object.entries(rolloutFields).map(([name, { accepts, about }]) => [
        `\`${name}\``,
        accepts,
        about,
      ]),
    ),
    "## For people and machines",
    "On `BRIDGE_ADMIN_PORT`, plain HTTP. Each replica knows only the bouncers connected to itself.",
    "",
    renderTable(
      ["Request", "Answer"],
      [
        [`\`GET ${adminPaths.health}\``, "200 while the process runs."],
        [
          `\`GET ${adminPaths.ready}\``,
          "200 when a certificate is loaded and every place of bundles has been read, or has failed five times; else 503 with the reasons.",
        ],
        [`\`GET ${adminPaths.metrics}\``, "Metrics in Prometheus' text format."],
        [
          `\`GET ${adminPaths.bouncers}\``,
          "Bundles that are served, rollouts, and each connected bouncer with the revision of each bundle that it enforces and whether that is the one served.",
        ],
      ],
    ),
    "## Metrics",
    "Besides those of the Node.js process:",
    "",
    renderMetrics(metrics),
    "## Codes",
    "In answers (`error.code`), logs (`code`), metrics and WebSocket close reasons.",
    "",
    renderTable(
      ["Code", "HTTP status", "Meaning"],
      Object.entries(errorTable).map(([code, { status, about }]) => [
        `\`${code}\``,
        String(status),
        about,
      ]),
    ),
  ].join("\n");
}
