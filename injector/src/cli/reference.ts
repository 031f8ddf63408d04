/** Renders docs/reference/command-line.md from the table of commands and of what they answer. Pure. */
import { renderTable } from "bouncer-environment/reference";
import { checks } from "./check/table.ts";
import type { Command } from "./command.ts";
import { findings } from "./explain/findings.ts";
import { commandHelp } from "./help.ts";

const program = "bouncer-injector";

export function renderCommandLine(commands: readonly Command[]): string {
  return [
    "# Command line: reference",
    "",
    "Made from the source by `make golden`; do not edit.",
    "",
    "As a plugin of kubectl, `bouncer-injector` is `kubectl bouncer`. Answers are tables for people by default, and with `-o json` or `-o yaml` the same content for programs. Colours appear on terminals only, and not when `NO_COLOR` is set.",
    "",
    "## Exit codes",
    "",
    renderTable(
      ["Code", "Meaning"],
      [
        ["0", "good"],
        ["1", "the input, the configuration or the cluster is not usable, so there is no answer"],
        ["2", "wrong use: an unknown command or option, or a value that is not accepted"],
        [
          "3",
          "the answer is no: a pod is not injected (`explain`), a check or a row fails (`check`, `diagnose`), pods are outdated (`outdated`)",
        ],
      ],
    ),
    "## Commands",
    "",
    ...commands.flatMap((command) => [
      `### ${command.name}`,
      "",
      "```",
      commandHelp(program, command).trimEnd(),
      "```",
      "",
    ]),
    "## What explain finds",
    "",
    "Needed are the permissions to get the object and its namespace, to list `mutatingwebhookconfigurations`, and to get the injector's Deployment and ConfigMap. Without those to list `nodes` and `services`, versions of kubelets and warnings about Services are left out.",
    "",
    "Besides the [reasons](reasons.md) of the injector itself.",
    "",
    renderRows(findings),
    "## Checks",
    "",
    "Each is `ok`, `warning` or `failure`, and all are made and reported. Exit code 3: one is a failure. Only the permission to list `mutatingwebhookconfigurations` is needed; what else the user may not read, or ask (`subjectaccessreviews`, and to create a pod as a dry run), is a warning.",
    "",
    renderRows(checks),
  ].join("\n");
}

function renderRows(
  table: Readonly<Record<string, { readonly sentence: string; readonly fix: string }>>,
): string {
  return renderTable(
    ["Code", "Meaning", "What to do"],
    Object.entries(table).map(([code, { sentence, fix }]) => [`\`${code}\``, sentence, fix]),
  );
}
