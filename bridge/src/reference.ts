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
          "The bouncer says `hello`, the bridge answers with a `hint` (revision, path, SHA-256) at once and on every change, the bouncer reports `status` after it followed one. Pings every 20 seconds; who does not answer by the next one is dropped. At shutdown the bridge closes with 1001: come back after a random delay, to another replica.",
        ],
      ],
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
          "200 when a certificate is loaded and the bundle directory has been read; else 503 with the reasons.",
        ],
        [`\`GET ${adminPaths.metrics}\``, "Metrics in Prometheus' text format."],
        [
          `\`GET ${adminPaths.bouncers}\``,
          "Bundles that are served, and each connected bouncer with the revision it enforces and whether that is the one served.",
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
