/**
 * `bouncer-injector inject` and `uninject`: manifests in, manifests out, by the same function as the
 * webhook. Manifests go to stdout, what was done to each object to stderr. When anything is wrong,
 * nothing goes to stdout, so that a pipe to `kubectl apply` applies nothing.
 */
import { parseArgs } from "node:util";
import { namespaceLabel } from "../admission/facts.ts";
import { parseSettings, type Settings } from "../settings.ts";
import { type ChangePod, injectPods, uninjectPods } from "./change.ts";
import type { CommandLineDeps } from "./deps.ts";
import { readDocuments, rewriteDocument } from "./documents.ts";
import { changeWorkloads } from "./workloads.ts";

const help = `bouncer-injector: puts a bouncer into the pods of Kubernetes manifests

  bouncer-injector inject -f FILE|- [--config FILE]
  bouncer-injector uninject -f FILE|-
  bouncer-injector serve        the webhook
  bouncer-injector self-test    asks a running webhook

inject adds the bouncer to every Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet,
ReplicationController, Job and CronJob, also inside a List, as the webhook would in a
namespace with the label ${namespaceLabel.name}=${namespaceLabel.value}. Other objects, and workloads that opt
out, are written as they were read. Injecting twice is injecting once; with another
configuration, it renders again. uninject takes back what inject did. Documents that
change are written anew: values and the order of keys stay, comments inside them do not.

  -f, --filename FILE  YAML or JSON, any number of documents; - is standard input
  --config FILE        the injector's configuration (YAML), as the chart writes it
  --version            print the version
  -h, --help           print this text

Exit codes: 0 written; 1 the input or the configuration is wrong, and nothing was
written to stdout; 2 wrong use.
`;

const exitCode = { written: 0, wrongInput: 1, wrongUse: 2 } as const;

/** What somebody has to correct; each line names where. */
class InputError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** `argv` without node and script. The result is the exit code. */
export async function runCommandLine(
  argv: readonly string[],
  deps: CommandLineDeps,
): Promise<number> {
  const use = parseUse(argv);
  if (typeof use === "string") {
    deps.writeStderr(`error: ${use}\n\n${help}`);
    return exitCode.wrongUse;
  }
  if (!("file" in use)) {
    deps.writeStdout(use.command === "help" ? help : `${deps.version}\n`);
    return exitCode.written;
  }
  try {
    deps.writeStdout(await changeFile(use, deps));
    return exitCode.written;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const problem of error.problems) deps.writeStderr(`error: ${problem}\n`);
    return exitCode.wrongInput;
  }
}

interface FileUse {
  readonly command: "inject" | "uninject";
  readonly file: string;
  readonly config: string | null;
}

type Use = { readonly command: "help" | "version" } | FileUse;

/** A string is what is wrong with the use. */
function parseUse(argv: readonly string[]): Use | string {
  const parsed = parseFlags(argv);
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  const [command, ...more] = positionals;
  if (values.help === true || command === "help") return { command: "help" };
  if (values.version === true) return { command: "version" };
  if (more.length > 0) return `unexpected argument "${more.join(" ")}"; files are given with -f`;
  if (command === undefined) return "a command is missing";
  if (command !== "inject" && command !== "uninject") return `unknown command "${command}"`;
  return parseFileUse(command, values.filename, values.config);
}

function parseFileUse(
  command: FileUse["command"],
  file: string | undefined,
  config: string | undefined,
): Use | string {
  if (file === undefined) return "-f FILE is missing; -f - is standard input";
  if (command === "uninject" && config !== undefined) return "uninject takes no --config";
  return { command, file, config: config ?? null };
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        filename: { type: "string", short: "f" },
        config: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return error.message;
  }
}

async function changeFile(use: FileUse, deps: CommandLineDeps): Promise<string> {
  const changePod = use.command === "inject" ? await createInjector(use, deps) : uninjectPods;
  const source = use.file === "-" ? "standard input" : use.file;
  const read = readDocuments(await readText(use.file, deps));
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${source}: ${problem}`));

  const notes: string[] = [];
  const problems: string[] = [];
  const texts = read.documents.map((document, index) => {
    const where = `${source}: document ${index + 1}`;
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
  return texts.join("");
}

async function createInjector(use: FileUse, deps: CommandLineDeps): Promise<ChangePod> {
  const settings = await readSettings(use.config, deps);
  const { bundleUrl, syncUrl } = settings.policy;
  if (bundleUrl === null && syncUrl === null) {
    deps.writeStderr(
      "warning: without --config, pods know of no policy unless their annotations say where it is\n",
    );
  }
  return injectPods({ settings, version: deps.version, createAdminToken: deps.createAdminToken });
}

async function readSettings(file: string | null, deps: CommandLineDeps): Promise<Settings> {
  const read = readDocuments(file === null ? "" : await readText(file, deps));
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${file}: ${problem}`));
  const [document, ...more] = read.documents.filter(({ value }) => value !== null);
  if (more.length > 0) throw new InputError([`${file}: more than one document, accepted is one`]);
  const parsed = parseSettings(document?.value);
  if (!parsed.ok) throw new InputError(parsed.problems.map((problem) => `${file}: ${problem}`));
  return parsed.settings;
}

async function readText(file: string, deps: CommandLineDeps): Promise<string> {
  try {
    const bytes = await (file === "-" ? deps.readStdin() : deps.readFile(file));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError([`Cannot read "${file}": ${why}`]);
  }
}
