/**
 * The cluster that a command works on: as for kubectl, --kubeconfig, else KUBECONFIG, else
 * ~/.kube/config, else the service account of the pod that the command runs in.
 */
import { KubeConfig } from "@kubernetes/client-node";
import { messageOf } from "../errors.ts";
import { type ParsedArgs, textOf } from "./command.ts";
import { InputError } from "./failure.ts";

/** For `Command.options`. */
export const clusterOptions = {
  namespace: { type: "string", short: "n" },
  context: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

/** For `Command.details`. */
export const clusterHelp = `  -n, --namespace NAME  namespace; else the one of the context, else default
      --context NAME    context of the kubeconfig; else its current one
      --kubeconfig FILE else KUBECONFIG, else ~/.kube/config, else the pod's own account`;

export interface Cluster {
  readonly kubeConfig: KubeConfig;
  /** --namespace, else the one of the context, else default. */
  readonly namespace: string;
}

/** Throws an InputError of one line. Nothing is sent yet. */
export function openCluster(args: ParsedArgs): Cluster {
  const kubeConfig = load(textOf(args, "kubeconfig"));
  const context = textOf(args, "context") ?? kubeConfig.getCurrentContext();
  const known = kubeConfig.getContextObject(context);
  if (known === null) {
    const names = kubeConfig.getContexts().map(({ name }) => `"${name}"`);
    throw new InputError([
      `Cannot use context "${context}": the kubeconfig has ${names.join(", ") || "none"}`,
    ]);
  }
  kubeConfig.setCurrentContext(context);
  if (kubeConfig.getCurrentCluster() === null) {
    throw new InputError([`Cannot use context "${context}": its cluster is not in the kubeconfig`]);
  }
  return { kubeConfig, namespace: textOf(args, "namespace") ?? known.namespace ?? "default" };
}

/** What client-node takes when it found nothing: nobody has a cluster there by default. */
const lastResort = "loaded-context";

function load(file: string | null): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    if (file === null) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(file);
  } catch (error) {
    const what = file === null ? "the kubeconfig" : `kubeconfig "${file}"`;
    throw new InputError([`Cannot read ${what}: ${messageOf(error).split("\n")[0] ?? ""}`]);
  }
  const isGuess = kubeConfig.getCurrentCluster()?.server === "http://localhost:8080";
  if (file === null && isGuess && kubeConfig.getCurrentContext() === lastResort) {
    throw new InputError([
      "Cannot find a cluster: there is no kubeconfig (--kubeconfig, KUBECONFIG, ~/.kube/config) and this is not a pod",
    ]);
  }
  return kubeConfig;
}
