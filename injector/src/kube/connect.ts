/** How to reach the API server: the pod's service account, else what a kubeconfig says. */
import { readFile } from "node:fs/promises";
import { InjectorError, messageOf } from "../errors.ts";
import type { ApiServer } from "./api-server.ts";
import { createInCluster } from "./in-cluster.ts";

/** `folder`: of the service account's `token` and `ca.crt`. */
export async function connectApiServer(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): Promise<ApiServer> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = environment;
  const isInCluster = host !== "" && port !== "" && (environment["KUBECONFIG"] ?? "") === "";
  if (isInCluster) {
    return createInCluster({ host, port, folder, readFile: (path) => readFile(path, "utf8") });
  }
  try {
    // oxlint-disable-next-line no-restricted-imports -- loaded outside of clusters only
    const { loadDefault } = await import("./kube-config.ts");
    return loadDefault();
  } catch (error) {
    const message = `Cannot load the Kubernetes configuration: ${messageOf(error)}`;
    throw new InjectorError("start_failed", message, error);
  }
}
