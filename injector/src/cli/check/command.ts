/** `check`: whether an installation works, from its webhook to its policy. */
import { clusterHelp, clusterOptions, openCluster } from "../cluster.ts";
import { type Command, exitCode, textOf } from "../command.ts";
import { outputHelp, outputOptions, readFormat, writeAnswer } from "../output.ts";
import { evaluate } from "./evaluate.ts";
import { readCluster } from "./reader.ts";
import { count, formatChecks } from "./report.ts";
import { checks } from "./table.ts";

export const checkCommand: Command = {
  name: "check",
  summary: "checks the installation: webhook, certificates, reachability, versions, rights",
  usage: "check [-n NAMESPACE]",
  details: `Checks every installation of the cluster, or the one in the namespace that is given. Every
check is made and reported, whatever the others say. What you may not read is a
warning. Nothing is changed: the one pod that is created is a dry run.

${clusterHelp.replace("namespace; else the one of the context, else default", "of an installation; else all of them")}
${outputHelp}
`,
  options: { ...clusterOptions, ...outputOptions },
  takesArguments: false,
  run: async (args, deps) => {
    const format = readFormat(args);
    const { kubeConfig } = openCluster(args);
    const state = await readCluster(kubeConfig, textOf(args, "namespace"));
    const checked = evaluate(state, { version: deps.version, now: deps.now() });
    const content = {
      checks: checked.map((one) => ({ ...one, sentence: checks[one.code].sentence })),
    };
    writeAnswer({ content, table: formatChecks(checked, deps.isTerminal) }, format, deps);
    return count(checked, "failure") > 0 ? exitCode.no : exitCode.good;
  },
};
