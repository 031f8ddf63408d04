/** `explain`: whether a pod is injected, by which rule it is not, and what to do about it. */
import { InjectorError } from "../../errors.ts";
import { clusterHelp, clusterOptions, openCluster } from "../cluster.ts";
import { type Command, exitCode, type ParsedArgs, textOf } from "../command.ts";
import type { CommandLineDeps } from "../deps.ts";
import { InputError, UseError } from "../failure.ts";
import { outputHelp, outputOptions, readFormat, writeAnswer } from "../output.ts";
import { readManifest, readSettings, sourceName } from "../source.ts";
import { explain, explainOffline, type Explanation, type Target } from "./explanation.ts";
import { createExplainReader, type ExplainReader, findTargets } from "./reader.ts";
import { formatExplanation } from "./report.ts";
import { parseTarget } from "./target.ts";

export const explainCommand: Command = {
  name: "explain",
  summary: "says whether a pod is injected, and why not",
  usage: "explain POD|KIND/NAME [-n NAMESPACE]\nexplain -f FILE|- [-n NAMESPACE] [--config FILE]",
  details: `Replays what the API server does with every webhook of ours (rules, selectors, match
conditions), then the injector's own decision, in order, and names the first step that
stops the pod and what to do about it. Of a pod that exists, it also says whether it
carries a bouncer, and how that differs from what would be created now.
KIND is pod, deployment, statefulset, daemonset, replicaset, replicationcontroller, job
or cronjob, or its short name. When there is no cluster, files are explained by the
injector's decision alone.

  -f, --filename FILE   YAML or JSON, any number of documents; - is standard input
      --config FILE     settings to decide by when there is no cluster; else the defaults
${clusterHelp}
${outputHelp}
`,
  options: {
    filename: { type: "string", short: "f" },
    config: { type: "string" },
    ...clusterOptions,
    ...outputOptions,
  },
  takesArguments: true,
  run: async (args, deps) => {
    const format = readFormat(args);
    const explanations = await explainAll(args, deps);
    const table = explanations.map((one) => formatExplanation(one, deps.isTerminal)).join("\n");
    writeAnswer({ content: { explanations }, table }, format, deps);
    return judge(explanations);
  },
};

function judge(explanations: readonly Explanation[]): number {
  if (explanations.every(({ verdict }) => verdict === "injected")) return exitCode.good;
  const isUnknown = explanations.every(({ verdict }) => ["injected", "unknown"].includes(verdict));
  return isUnknown ? exitCode.notUsable : exitCode.no;
}

async function explainAll(args: ParsedArgs, deps: CommandLineDeps): Promise<Explanation[]> {
  const file = textOf(args, "filename");
  if ((file === null) === (args.positionals.length === 0)) {
    throw new UseError("accepted is either POD, KIND/NAME or -f FILE");
  }
  if (file !== null) return explainFile(file, args, deps);
  const asked = parseTarget(args.positionals);
  const { kubeConfig, namespace } = openCluster(args);
  const reader = createExplainReader(kubeConfig);
  const target = await reader.target(asked, namespace);
  return [explain(target, await reader.world(namespace))];
}

async function explainFile(
  file: string,
  args: ParsedArgs,
  deps: CommandLineDeps,
): Promise<Explanation[]> {
  const documents = await readManifest(file, deps);
  const cluster = open(args);
  const namespace = textOf(args, "namespace");
  const fallback = namespace ?? (cluster.ok ? cluster.namespace : "default");
  const targets = documents.flatMap(({ value }) => findTargets(value, fallback));
  if (targets.length === 0) {
    throw new InputError([`Cannot explain ${sourceName(file)}: it has no pods and no workloads`]);
  }
  const settings = await readSettings(textOf(args, "config"), deps);
  const offline = (because: string) =>
    targets.map((one) => explainOffline(one, { settings, version: deps.version, because }));
  if (!cluster.ok) return offline(cluster.because);
  try {
    return await explainTargets(targets, cluster.reader);
  } catch (error) {
    if (!(error instanceof InjectorError)) throw error;
    return offline(error.message);
  }
}

async function explainTargets(
  targets: readonly Target[],
  reader: ExplainReader,
): Promise<Explanation[]> {
  const names = [...new Set(targets.map(({ namespace }) => namespace))];
  const worlds = new Map(
    await Promise.all(names.map(async (name) => [name, await reader.world(name)] as const)),
  );
  return targets.flatMap((target) => {
    const world = worlds.get(target.namespace);
    return world === undefined ? [] : [explain(target, world)];
  });
}

type Opened =
  | { readonly ok: true; readonly reader: ExplainReader; readonly namespace: string }
  | { readonly ok: false; readonly because: string };

function open(args: ParsedArgs): Opened {
  try {
    const { kubeConfig, namespace } = openCluster(args);
    return { ok: true, reader: createExplainReader(kubeConfig), namespace };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ok: false, because: error.message };
  }
}
