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
    "## Workloads",
    "",
    "`POST /warn` takes the AdmissionReview of a Deployment, StatefulSet, DaemonSet, Job or CronJob that is created or updated, and answers with warnings: what will happen to its pods when they are skipped or denied, or injected with warnings. It always allows and never patches; an update that leaves the pod template alone is not looked at.",
    "",
    "## Events",
    "",
    "On the controller of the pod, or what owns that: the Deployment of a ReplicaSet, the CronJob of a Job. A pod without a controller has no uid before it is stored, so its Event names it without one (`kubectl get events`, `kubectl events --for pod/NAME`); one without a name either is told of its namespace. The same of the same owner is written once in ten minutes by each replica; nothing on dry runs; nothing for pods that opt out. The annotation `bouncer.dev/reason` has the code.",
    "",
    renderTable(
      ["Reason", "Type", "Meaning"],
      [
        ["`BouncerInjected`", "Normal", "A pod was given a bouncer"],
        ["`BouncerSkipped`", "Warning", "A pod of a labelled namespace was left without one"],
        ["`BouncerDenied`", "Warning", "A pod was refused"],
        ["`BouncerUnprotected`", "Warning", "A pod runs without the bouncer it should have"],
        ["`Bouncer` and a code", "Warning", "A warning: `no_app_ports` is `BouncerNoAppPorts`"],
      ],
    ),
    "## Audit annotations",
    "",
    "Kept by the API server in its audit log with each admission, after the webhook's name and a slash.",
    "",
    renderTable(
      ["Key", "Value"],
      [
        ["`result`", "as in the metrics"],
        ["`reason`", "a code"],
        ["`revision`", "of this installation; absent without one"],
        ["`mode`", "how requests get to the bouncer of a pod that was injected"],
      ],
    ),
    "## Unprotected pods",
    "",
    "One replica, which holds the Lease, counts the pods of labelled namespaces that run without a bouncer and should have one; an installation without a revision counts those of every revision. Pods that have ended, are ending, or are younger than 5 seconds do not count. If evictions are switched on, pods of ReplicaSets, StatefulSets and ReplicationControllers are evicted, one of each controller at a time: only while the webhook is ready, only when the new pod would be injected, and not again for an hour when the last eviction brought another pod without a bouncer. What a PodDisruptionBudget forbids is left alone for five minutes.",
    "",
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
