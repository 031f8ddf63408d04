/**
 * `inject` and `uninject`: manifests in, manifests out, by the same function as the webhook.
 * Manifests go to stdout, what was done to each object to stderr. When anything is wrong, nothing
 * goes to stdout, so that a pipe to `kubectl apply` applies nothing.
 */
import { namespaceLabel } from "../admission/facts.ts";
import { type ChangePod, injectPods, uninjectPods } from "./change.ts";
import { type Command, exitCode, type ParsedArgs, textOf } from "./command.ts";
import type { CommandLineDeps } from "./deps.ts";
import { rewriteDocument } from "./documents.ts";
import { InputError, UseError } from "./failure.ts";
import { readManifest, readSettings, sourceName } from "./source.ts";
import { changeWorkloads } from "./workloads.ts";

const filenameOption = { filename: { type: "string", short: "f" } } as const;
const filenameHelp =
  "  -f, --filename FILE   YAML or JSON, any number of documents; - is standard input";

export const injectCommand: Command = {
  name: "inject",
  summary: "adds the bouncer to the pods of manifests",
  usage: "inject -f FILE|- [--config FILE]",
  details: `Adds the bouncer to every Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet,
ReplicationController, Job and CronJob, also inside a List, as the webhook would in a
namespace with the label ${namespaceLabel.name}=${namespaceLabel.value}. Other objects, and workloads that opt
out, are written as they were read. Injecting twice is injecting once; with another
configuration, it renders again. Documents that change are written anew: values and
the order of keys stay, comments inside them do not. When anything is wrong, nothing
is written to stdout.

${filenameHelp}
      --config FILE     the injector's configuration (YAML), as the chart writes it
`,
  options: { ...filenameOption, config: { type: "string" } },
  takesArguments: false,
  run: async (args, deps) => {
    const file = fileOf(args);
    return rewrite(file, await createInjector(textOf(args, "config"), deps), deps);
  },
};

export const uninjectCommand: Command = {
  name: "uninject",
  summary: "takes back what inject did",
  usage: "uninject -f FILE|-",
  details: `Takes the bouncer out of manifests, or out of pods that the webhook injected. What
carries no bouncer is written as it was read. When anything is wrong, nothing is
written to stdout.

${filenameHelp}
`,
  options: filenameOption,
  takesArguments: false,
  run: async (args, deps) => rewrite(fileOf(args), uninjectPods, deps),
};

function fileOf(args: ParsedArgs): string {
  const file = textOf(args, "filename");
  if (file === null) throw new UseError("-f FILE is missing; -f - is standard input");
  return file;
}

async function rewrite(file: string, changePod: ChangePod, deps: CommandLineDeps): Promise<number> {
  const documents = await readManifest(file, deps);
  const notes: string[] = [];
  const problems: string[] = [];
  const texts = documents.map((document, index) => {
    const where = `${sourceName(file)}: document ${index + 1}`;
    const value = changeWorkloads(document.value, (pod, workload) => {
      const outcome = changePod(pod, workload);
      notes.push(...outcome.notes.map((note) => `${workload.title}: ${note}\n`));
      problems.push(...outcome.problems.map((one) => `${where}: ${workload.title}: ${one}`));
      return outcome.changed;
    });
    if (value === document.value) return document.text;
    const written = rewriteDocument(document, value);
    if (written.ok) return written.text;
    problems.push(`${where}: ${written.problem}`);
    return "";
  });
  if (problems.length > 0) throw new InputError(problems);
  for (const note of notes) deps.writeStderr(note);
  deps.writeStdout(texts.join(""));
  return exitCode.good;
}

async function createInjector(config: string | null, deps: CommandLineDeps): Promise<ChangePod> {
  const settings = await readSettings(config, deps);
  const { bundleUrl, syncUrl } = settings.policy;
  if (bundleUrl === null && syncUrl === null) {
    deps.writeStderr(
      "warning: without --config, pods know of no policy unless their annotations say where it is\n",
    );
  }
  return injectPods({ settings, version: deps.version, createAdminToken: deps.createAdminToken });
}
