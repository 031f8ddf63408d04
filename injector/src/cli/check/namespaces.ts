/** Checks over all installations and the namespaces that there are. Pure. */
import { namespaceLabel, revisionLabel } from "../../admission/facts.ts";
import { findUnmet } from "../explain/matching.ts";
import type { Installation } from "../installation.ts";
import type { ClusterState, NamespaceLabels } from "./state.ts";
import { type Checked, reportAbout } from "./table.ts";

export function checkNamespaces({ namespaces, installations }: ClusterState): Checked[] {
  const report = reportAbout(null);
  if (namespaces.kind !== "read") {
    const detail = namespaces.kind === "missing" ? "there are no namespaces" : namespaces.problem;
    return [
      report("one_webhook", "warning", detail),
      report("revisions_served", "warning", detail),
    ];
  }
  const served = namespaces.value.map((namespace) => ({
    namespace,
    by: installations.filter((installation) => selects(installation, namespace)),
  }));
  const twice = served
    .filter(({ by }) => by.length > 1)
    .map(({ namespace, by }) => `${namespace.name} by ${by.map(titleOf).join(" and ")}`);
  const unserved = served
    .filter(({ namespace, by }) => by.length === 0 && asks(namespace, installations))
    .map(({ namespace }) => describe(namespace));
  const idle = served
    .filter(({ namespace, by }) => by.length > 0 && !isEnabled(namespace))
    .map(
      ({ namespace }) => `${namespace.name} lacks ${namespaceLabel.name}=${namespaceLabel.value}`,
    );
  const count = served.filter(({ by }) => by.length > 0).length;
  return [
    twice.length > 0
      ? report("one_webhook", "failure", twice.join("; "))
      : report("one_webhook", "ok", `selected namespaces: ${count}`),
    ...(unserved.length > 0
      ? [report("revisions_served", "failure", `nobody serves ${unserved.join("; ")}`)]
      : [report("revisions_served", idle.length > 0 ? "warning" : "ok", idle.join("; "))]),
  ];
}

export function selects({ webhook }: Installation, { name, labels }: NamespaceLabels): boolean {
  const all = { "kubernetes.io/metadata.name": name, ...labels };
  return findUnmet(webhook.namespaceSelector, all).length === 0;
}

const titleOf = ({ namespace, name }: Installation) => `${namespace}/${name}`;
const isEnabled = ({ labels }: NamespaceLabels) =>
  labels[namespaceLabel.name] === namespaceLabel.value;

/** Those that are left out on purpose do not count: Kubernetes' own, the injector's, the operator's. */
function asks(namespace: NamespaceLabels, installations: readonly Installation[]): boolean {
  const { name, labels } = namespace;
  const isLeftOut =
    name.startsWith("kube-") ||
    installations.some(
      (one) => one.namespace === name || one.settings?.ignoredNamespaces.includes(name) === true,
    );
  return !isLeftOut && (isEnabled(namespace) || Object.hasOwn(labels, revisionLabel));
}

function describe({ name, labels }: NamespaceLabels): string {
  const revision = labels[revisionLabel];
  return revision === undefined ? name : `${name} (${revisionLabel}=${revision})`;
}
