/** `policy status`: which bouncers enforce which bundles, as every replica of the bridge knows it. */
import { fromKubeConfig } from "../../kube/kube-config.ts";
import { createAskApi } from "../../kube/request.ts";
import { clusterHelp, clusterOptions, openCluster } from "../cluster.ts";
import { type Command, exitCode, isSet, type ParsedArgs, textOf } from "../command.ts";
import type { CommandLineDeps } from "../deps.ts";
import { InputError, UseError } from "../failure.ts";
import { readInstallations } from "../installation.ts";
import { outputHelp, outputOptions, readFormat, writeAnswer } from "../output.ts";
import { isBehind, joinReplicas } from "./fleet.ts";
import { readReplicas } from "./replicas.ts";
import { formatStatus } from "./report.ts";

export const policyCommand: Command = {
  name: "policy",
  summary: "shows which bouncers enforce which policy, and how rollouts go",
  usage: `policy status [-n NAMESPACE] [-a] [-o FORMAT]`,
  details: `policy status asks every replica of the included bridge, through the API server (it takes the
right to get pods/proxy in the installation's namespace), which bundles it serves and what the
bouncers that follow it enforce. Without -a, the table lists only bouncers that do not enforce what
is served, and counts the others. Exit code 3: there are such bouncers, a bundle cannot be served,
or a candidate was given up.

  -a, --all             list every bouncer
${clusterHelp}
${outputHelp}
`,
  options: { ...clusterOptions, ...outputOptions, all: { type: "boolean", short: "a" } },
  takesArguments: true,
  run: runPolicy,
};

async function runPolicy(args: ParsedArgs, deps: CommandLineDeps): Promise<number> {
  const [verb, ...more] = args.positionals;
  if (verb !== "status" || more.length > 0) {
    throw new UseError(`policy ${args.positionals.join(" ")}: accepted is policy status`);
  }
  const format = readFormat(args);
  const { kubeConfig } = openCluster(args);
  const ask = createAskApi(fromKubeConfig(kubeConfig));
  const installations = await readInstallations(kubeConfig);
  const bridges = installations.flatMap(({ namespace, bridge }) =>
    bridge === null ? [] : [{ namespace, service: bridge }],
  );
  if (bridges.length === 0) {
    throw new InputError(["Cannot find an included bridge: no installation has one"]);
  }
  const replicas = (await Promise.all(bridges.map((bridge) => readReplicas(ask, bridge)))).flat();
  const status = joinReplicas(replicas, textOf(args, "namespace"));
  const table = formatStatus(status, { all: isSet(args, "all"), isColoured: deps.isTerminal });
  writeAnswer({ content: status, table }, format, deps);
  return isBehind(status) ? exitCode.no : exitCode.good;
}
