/** Checks of versions: ours among each other, and those of Kubernetes. Pure. */
import { findTooOld } from "../../admission/native.ts";
import { older, parseVersion } from "../../kube/version.ts";
import { findOldest } from "../cluster-facts.ts";
import type { Installation } from "../installation.ts";
import type { Asker, ClusterState } from "./state.ts";
import { type Checked, reportAbout } from "./table.ts";

export function checkVersions(installation: Installation, asker: Asker): Checked {
  const report = reportAbout(installation);
  const { version } = installation;
  if (version === null) {
    const why = installation.problems.join("; ");
    return report("versions", "warning", `the version of the injector is not known: ${why}`);
  }
  const bouncer = bouncerVersion(installation);
  const detail = [
    `command line ${asker.version}`,
    `injector ${version}`,
    `bouncer ${bouncer ?? "of a version that is not known"}`,
  ].join(", ");
  const isSame = asker.version === version && (bouncer === null || bouncer === version);
  return report("versions", isSame ? "ok" : "warning", detail);
}

/** Of the image that pods are given; null when it is named by digest or otherwise, or not known. */
function bouncerVersion({ settings, version }: Installation): string | null {
  if (settings === null) return null;
  if (settings.image === null) return version;
  return /:v?(\d+\.\d+\.\d+[^:@/]*)(@.*)?$/.exec(settings.image)?.[1] ?? null;
}

/** Kubelets may be three minor versions older than the API server (version skew policy). */
const maxSkew = 3;

export function checkKubernetes({ apiServer, kubelets, installations }: ClusterState): Checked {
  const report = reportAbout(null);
  const server = apiServer.kind === "read" ? parseVersion(apiServer.value) : null;
  const oldest = kubelets.kind === "read" ? findOldest(kubelets.value) : null;
  const tooOld = findTooOld({ apiServer: server, oldestKubelet: oldest, services: null });
  if (tooOld !== null && installations.some(({ settings }) => settings?.nativeSidecar === true)) {
    const why = "nativeSidecar is true, so pods would not start";
    return report("kubernetes_versions", "failure", `${tooOld}; ${why}`);
  }
  const concerns = [
    ...(tooOld === null ? [] : [`${tooOld}: sidecars are plain containers, Jobs are refused`]),
    ...concernsOf(server, oldest),
    ...[apiServer, kubelets].flatMap((read) => (read.kind === "unreadable" ? read.problem : [])),
  ];
  const found = `API server ${server ?? "not known"}, oldest kubelet ${oldest ?? "not known"}`;
  const result = concerns.length === 0 ? "ok" : "warning";
  return report("kubernetes_versions", result, [found, ...concerns].join("; "));
}

/** From 1.30 on, the API server leaves pods out by itself. */
function concernsOf(server: string | null, oldest: string | null): string[] {
  if (server === null) return [];
  const withoutConditions =
    older(server, "1.29.99") === server
      ? ["without match conditions, pods that are left out also wait for the injector"]
      : [];
  return [...withoutConditions, ...(oldest === null ? [] : findSkew(server, oldest))];
}

const minorOf = (version: string) => Number(version.split(".")[1] ?? "0");

function findSkew(server: string, oldest: string): string[] {
  const skew = minorOf(server) - minorOf(oldest);
  return skew > maxSkew ? [`the oldest kubelet is ${skew} minor versions behind`] : [];
}
