/** Checks of what has to answer: injector, bridge, and the way to them. Pure. */
import type { Installation } from "../installation.ts";
import type { Bridge, DryRun, Endpoints, InstallationState, Permission, Read } from "./state.ts";
import { type CheckCode, type Checked, type Report, reportAbout } from "./table.ts";
import { describe, labelsFor } from "./webhook.ts";

export function checkServingSide(state: InstallationState): Checked[] {
  const report = reportAbout(state.installation);
  return [
    checkEndpoints("endpoints", state.endpoints, report),
    checkReachable(state.dryRun, state.installation, report),
    checkPermissions(state.lacking, report),
    ...(state.bridge === null ? [] : checkBridge(state.bridge, state.installation, report)),
  ];
}

function checkEndpoints(code: CheckCode, endpoints: Read<Endpoints>, report: Report): Checked {
  if (endpoints.kind === "unreadable") return report(code, "warning", endpoints.problem);
  if (endpoints.kind === "missing") return report(code, "failure", "the Service has no endpoints");
  const { ready, all } = endpoints.value;
  const detail = `${ready} of ${all} ready`;
  if (ready === 0) return report(code, "failure", detail);
  return report(code, ready < all ? "warning" : "ok", detail);
}

function checkReachable(dryRun: DryRun, { revision }: Installation, report: Report): Checked {
  const code = "reachable";
  if (dryRun.kind === "no_namespace") {
    const labels = describe(labelsFor(revision ?? ""));
    const detail = `not tried, for there is no namespace with ${labels}`;
    const command = labels.replace(", ", " ");
    const fix = `Label one and check again: kubectl label namespace NAME ${command}`;
    return { ...report(code, "warning", detail), fix };
  }
  const { kind, namespace } = dryRun;
  const where = `in namespace ${namespace}`;
  if (kind === "injected") return report(code, "ok", `a pod ${where} gets a bouncer`);
  if (kind === "not_injected") {
    return report(code, "failure", `a pod ${where} is created without a bouncer`);
  }
  return kind === "refused"
    ? report(code, "failure", `a pod ${where} is refused: ${dryRun.problem}`)
    : report(code, "warning", `not known, ${where} it was forbidden: ${dryRun.problem}`);
}

function checkPermissions(lacking: Read<readonly Permission[]>, report: Report): Checked {
  if (lacking.kind === "unreadable") return report("permissions", "warning", lacking.problem);
  const missing = lacking.kind === "read" ? lacking.value : [];
  if (missing.length === 0) return report("permissions", "ok", "");
  return report("permissions", "failure", `it may not ${missing.map(nameOf).join(", ")}`);
}

function nameOf({ verb, resource, group, name, namespace }: Permission): string {
  const what = group === "" ? resource : `${resource}.${group}`;
  const which = name === "" ? what : `${what}/${name}`;
  return namespace === "" ? `${verb} ${which}` : `${verb} ${which} in ${namespace}`;
}

function checkBridge(bridge: Bridge, installation: Installation, report: Report): Checked[] {
  return [
    checkEndpoints("bridge_endpoints", bridge.endpoints, report),
    checkBundle(bridge, installation, report),
  ];
}

function checkBundle(bridge: Bridge, { settings }: Installation, report: Report): Checked {
  const { files, configMap } = bridge;
  if (files.kind === "unreadable") return report("policy_bundle", "warning", files.problem);
  if (files.kind === "missing") {
    return report("policy_bundle", "failure", `ConfigMap "${configMap}" is not there`);
  }
  const wanted = settings?.policy.bundleUrl?.split("/").at(-1);
  const held = files.value.join(", ");
  const isThere = wanted === undefined ? held !== "" : files.value.includes(wanted);
  return isThere
    ? report("policy_bundle", "ok", `${wanted ?? held} in ConfigMap "${configMap}"`)
    : report(
        "policy_bundle",
        "failure",
        `ConfigMap "${configMap}" has ${held === "" ? "no files" : held}; needed is ${wanted ?? "a bundle"}`,
      );
}
