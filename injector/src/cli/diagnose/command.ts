/** `diagnose POD`: what works between a client, the bouncer and the application, and what does not. */
import { clusterHelp, clusterOptions, openCluster } from "../cluster.ts";
import { type Command, exitCode, type ParsedArgs } from "../command.ts";
import type { CommandLineDeps } from "../deps.ts";
import { UseError } from "../failure.ts";
import { outputHelp, outputOptions, readFormat, writeAnswer } from "../output.ts";
import { buildContent, diagnose, diagnoseWithout, formatRows, worst } from "./diagnose.ts";
import { readFacts, readPod } from "./reader.ts";

export const diagnoseCommand: Command = {
  name: "diagnose",
  summary: "says what works in a pod with a bouncer and what does not, and what to do about it",
  usage: "diagnose POD [-n NAMESPACE] [-o FORMAT]",
  details: `diagnose looks at a pod from all sides: the pod object, logs, the bouncer's own diagnosis, and
requests to the app ports by way of the API server. One of them is GET / on each app port,
which the policy decides on and the application may see. A row is ok, warning, fail, or
unknown, when it could not be looked at. Needed is the permission to get pods, pods/proxy and
pods/log in the namespace; what is lacking makes rows unknown. Exit code 3: a row fails.

${clusterHelp}
${outputHelp}
`,
  options: { ...clusterOptions, ...outputOptions },
  takesArguments: true,
  run: runDiagnose,
};

async function runDiagnose(args: ParsedArgs, deps: CommandLineDeps): Promise<number> {
  const format = readFormat(args);
  const name = readName(args.positionals);
  const { kubeConfig, namespace } = openCluster(args);
  const place = { kubeConfig, namespace, name };
  const pod = await readPod(place);
  const userAgent = `bouncer-diagnose/${deps.version}`;
  const rows =
    diagnoseWithout(pod) ?? diagnose(await readFacts(pod, { place, userAgent, now: deps.now }));
  const table = formatRows(pod, rows, deps.isTerminal);
  writeAnswer({ content: buildContent(pod, rows), table }, format, deps);
  return worst(rows) === "fail" ? exitCode.no : exitCode.good;
}

/** `web-1`, or as kubectl prints it: `pod/web-1`. */
function readName([given, ...more]: readonly string[]): string {
  if (given === undefined) throw new UseError("the name of a pod is missing");
  if (more.length > 0) throw new UseError(`unexpected argument "${more.join(" ")}"`);
  const name = given.replace(/^(?:pods?|po)\//, "");
  if (name !== "" && !name.includes("/")) return name;
  throw new UseError(`"${given}" is not a pod; accepted is its name, as in kubectl get pods`);
}
