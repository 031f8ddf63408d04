/** Renders docs/reference/diagnose.md from the tables that the commands run on. Pure. */
import { renderTable } from "bouncer-environment/reference";
import { reasons } from "../outdated/judge.ts";
import { checks } from "./checks.ts";

const code = (name: string) => `\`${name}\``;

export function renderReference(): string {
  return [
    "# diagnose and outdated: reference",
    "",
    "Made from the source by `make golden`; do not edit.",
    "",
    "## kubectl bouncer diagnose POD",
    "",
    "One row for each check, and for each port or probe of it. A verdict is `ok`, `warning`, `fail`, or `unknown` when it could not be looked at, which the row explains. `-o json|yaml` has `pod`, `mode`, `verdict` (the worst one) and `rows`, each with `code`, `subject`, `verdict`, `detail` and `next`. Exit code 3: a row fails.",
    "",
    "Needed are the permissions to get `pods`, `pods/proxy` and `pods/log` in the namespace; to get the namespace, `secrets` that are pull secrets or the certificate, and `services` in service mode; and for the installed version, to list `mutatingwebhookconfigurations` and to get the injector's Deployment and ConfigMap. What is lacking makes rows `unknown`.",
    "",
    renderTable(
      ["Code", "Title", "What is ok"],
      Object.entries(checks).map(([name, { title, about }]) => [code(name), title, about]),
    ),
    "The redirect is tried with a request whose path has an encoded backslash: every bouncer refuses it by itself, before any policy and in shadow mode too, and its answer has `x-bouncer-reason`. Without that header, the bouncer's own count of requests before and after tells whether it went around. The application sees only `GET /`, if the policy lets it through; both have the user agent `bouncer-diagnose`. Opaque ports are not tried.",
    "",
    "## kubectl bouncer outdated",
    "",
    "Each running pod is rendered again by the settings that are in force, and compared. `-o json|yaml` has `compared` and `outdated`: a list of workloads with their pods and reasons, and with `--restart` a `result` (`restarted`, `left`, `failed`, `not_begun`). Exit code 3: pods are outdated, and were not restarted.",
    "",
    renderTable(
      ["Reason", "Meaning"],
      Object.entries(reasons).map(([name, about]) => [code(name), about]),
    ),
    "`--restart` needs the permissions to patch `deployments`, `statefulsets` and `daemonsets`, to create `pods/eviction`, and to list `poddisruptionbudgets`.",
    "",
  ].join("\n");
}
