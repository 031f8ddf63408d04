/**
 * The API server of a kubeconfig. client-node knows every way to log in: certificates, exec plugins,
 * OpenID Connect. In the cluster none of that is needed, so what serves does not load this file
 * (connect.ts).
 */
import { HttpMethod, KubeConfig, RequestContext } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import type { ApiServer } from "./api-server.ts";

/** Of KUBECONFIG, ~/.kube/config, or the service account of the pod. Throws. */
export function loadDefault(): ApiServer {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return fromKubeConfig(kubeConfig);
}

export function fromKubeConfig(kubeConfig: KubeConfig): ApiServer {
  const url = (kubeConfig.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  let kept: Dispatcher | undefined;
  return {
    url,
    access: async () => {
      const context = new RequestContext(url, HttpMethod.GET);
      await kubeConfig.applySecurityAuthentication(context);
      // It makes a new one for each request.
      kept ??= context.getDispatcher();
      return { headers: context.getHeaders(), dispatcher: kept };
    },
    connectionFailed: (dispatcher) => {
      if (dispatcher === kept) kept = undefined;
    },
    close: () => {
      kept?.close().catch(() => undefined);
      kept = undefined;
    },
  };
}
