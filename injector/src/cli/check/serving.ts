/** Checks of what has to answer: injector, bridge, and the way to them. Pure. */
import { bundleNameOf, splitUrls } from "../../settings/value.ts";
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
  const bundles = files.value.filter((name) => name.endsWith(".tar.gz"));
  const wanted = findWanted(settings?.policy.bundleUrl ?? null, bridge.name);
  const isThere =
    wanted.length === 0 ? bundles.length > 0 : wanted.every((name) => bundles.includes(name));
  const needed = wanted.length === 0 ? bundles : wanted;
  if (isThere) {
    return report("policy_bundle", "ok", `${needed.join(", ")} in ConfigMap "${configMap}"`);
  }
  const held = files.value.length === 0 ? "no files" : files.value.join(", ");
  const lacking = wanted.length === 0 ? "a bundle" : wanted.join(", ");
  return report(
    "policy_bundle",
    "failure",
    `ConfigMap "${configMap}" has ${held}; needed is ${lacking}`,
  );
}

/** Of the bundles that pods get, those that this bridge is to serve; others come from elsewhere. */
function findWanted(bundleUrl: string | null, bridge: string): readonly string[] {
  if (bundleUrl === null) return [];
  const isHere = (url: string) => URL.parse(url)?.hostname.split(".")[0] === bridge;
  return splitUrls(bundleUrl).filter(isHere).map(bundleNameOf);
}
