/** `outdated [--restart]`: pods that a new version or configuration has not reached. */
import { fromKubeConfig } from "../../kube/kube-config.ts";
import { createPodStore } from "../../kube/pods.ts";
import { createAskApi } from "../../kube/request.ts";
import { readClusterFacts } from "../cluster-facts.ts";
import { type Cluster, clusterHelp, clusterOptions, openCluster } from "../cluster.ts";
import { type Command, exitCode, isSet, type ParsedArgs, textOf } from "../command.ts";
import type { CommandLineDeps } from "../deps.ts";
import { InputError, UseError } from "../failure.ts";
import { type Installation, readInstallations } from "../installation.ts";
import { outputHelp, outputOptions, readFormat, writeAnswer } from "../output.ts";
import { parseSeconds } from "./duration.ts";
import { buildSurvey, formatSurvey, isLeftOver } from "./report.ts";
import { restartAll, type RestartOptions } from "./restart.ts";
import { readNamespaces, surveyNamespaces } from "./survey.ts";
import { createWorld } from "./world.ts";

export const outdatedCommand: Command = {
  name: "outdated",
  summary: "lists pods with an older bouncer or configuration, or without one; restarts them",
  usage: `outdated [-n NAMESPACE|-A] [-o FORMAT]
outdated [-n NAMESPACE|-A] --restart [--max-unavailable N] [--timeout DURATION]`,
  details: `outdated compares running pods with what they would be given if they were created now. With
--restart, Deployments, StatefulSets and DaemonSets are restarted as by kubectl rollout restart,
one after the other; the first that does not come up ends it. Pods of ReplicaSets without a
Deployment are evicted one by one. PodDisruptionBudgets are respected: where one lets no pod go,
it is waited for. Pods without a controller, Jobs, CronJobs, what is paused or has the update
strategy OnDelete are left alone, and named. Exit code 3: pods are outdated and stay so.

  -A, --all-namespaces  every namespace that is labelled for injection
      --restart         restart them
      --max-unavailable N  workloads that are restarted at the same time (1)
      --timeout DURATION   for each workload to come up: 90s, 5m, 1h (5m)
${clusterHelp}
${outputHelp}
`,
  options: {
    ...clusterOptions,
    ...outputOptions,
    "all-namespaces": { type: "boolean", short: "A" },
    restart: { type: "boolean" },
    "max-unavailable": { type: "string" },
    timeout: { type: "string" },
  },
  takesArguments: false,
  run: runOutdated,
};

async function runOutdated(args: ParsedArgs, deps: CommandLineDeps): Promise<number> {
  const format = readFormat(args);
  const isRestart = isSet(args, "restart");
  const limits = readLimits(args, isRestart);
  const scope = readScope(args);
  const cluster = openCluster(args);
  const { kubeConfig } = cluster;
  const ask = createAskApi(fromKubeConfig(kubeConfig));
  const pods = createPodStore(ask);
  const installations = await readInstallations(kubeConfig);
  if (installations.length === 0) throw new InputError(["Cannot find an installation of Bouncer"]);
  warnOfOthers(installations, deps);
  const namespaces = await readNamespaces(ask, scope === "all" ? null : cluster.namespace);
  const survey = await surveyNamespaces(namespaces, {
    ask,
    pods,
    installations,
    cluster: await readVersions(cluster),
    version: deps.version,
    createAdminToken: deps.createAdminToken,
    warn: (line) => deps.writeStderr(`warning: ${line}\n`),
  });
  const world = createWorld({ kubeConfig, ask, pods, now: deps.now });
  const tell = (line: string): void => deps.writeStderr(`${line}\n`);
  const ports: RestartOptions["ports"] = { ...world, pause, now: deps.now, tell };
  const outcomes = isRestart ? await restartAll(survey.workloads, { ...limits, ports }) : null;
  const table = formatSurvey(survey, outcomes, deps.isTerminal);
  writeAnswer({ content: buildSurvey(survey, outcomes), table }, format, deps);
  return isLeftOver(survey, outcomes) ? exitCode.no : exitCode.good;
}

/** As often as kubectl would look. */
const pauseMs = 1000;

async function pause(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, pauseMs);
  });
}

/** What Services said when the pod was created holds for as long as it lives. */
async function readVersions({ kubeConfig, namespace }: Cluster) {
  return { ...(await readClusterFacts(kubeConfig, namespace)), services: null };
}

function readScope(args: ParsedArgs): "all" | "one" {
  if (!isSet(args, "all-namespaces")) return "one";
  if (textOf(args, "namespace") === null) return "all";
  throw new UseError("--namespace and --all-namespaces exclude each other");
}

function readLimits(args: ParsedArgs, isRestart: boolean) {
  const parallel = textOf(args, "max-unavailable");
  const timeout = textOf(args, "timeout");
  if (!isRestart && (parallel !== null || timeout !== null)) {
    throw new UseError("--max-unavailable and --timeout need --restart");
  }
  if (parallel !== null && !/^[1-9]\d{0,2}$/.test(parallel)) {
    throw new UseError(`--max-unavailable "${parallel}" is not a number from 1 to 999`);
  }
  const seconds = parseSeconds(timeout ?? "5m");
  if (seconds === null) {
    throw new UseError(`--timeout "${timeout}" is not a duration such as 90s, 5m or 1h`);
  }
  return { parallel: Number(parallel ?? "1"), timeoutMs: seconds * 1000 };
}

/** Another version may render differently, without anything being outdated. */
function warnOfOthers(installations: readonly Installation[], deps: CommandLineDeps): void {
  for (const { namespace, name, version } of installations) {
    if (version === null || version === deps.version) continue;
    deps.writeStderr(
      `warning: installation "${namespace}/${name}" is version ${version}, this program is ${deps.version}: configurations were not compared, versions and images were\n`,
    );
  }
}
