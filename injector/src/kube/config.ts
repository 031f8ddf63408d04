/** How to reach the API server: the pod's service account, else the developer's kubeconfig. */
import { KubeConfig } from "@kubernetes/client-node";
import { InjectorError, messageOf } from "../errors.ts";

export function loadKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    kubeConfig.loadFromDefault();
  } catch (error) {
    const message = `Cannot load the Kubernetes configuration: ${messageOf(error)}`;
    throw new InjectorError("start_failed", message, error);
  }
  return kubeConfig;
}
