/** The API server of a kubeconfig. The only file that knows @kubernetes/client-node. */
import {
  AuthenticationV1Api,
  KubeConfig,
  ServerConfiguration,
  createConfiguration,
} from "@kubernetes/client-node";
import type { AskReview } from "./token-review.ts";

/** Of KUBECONFIG or ~/.kube/config. Throws. */
export function loadDefault(): AskReview {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return fromKubeConfig(kubeConfig);
}

/** As `kubeConfig.makeApiClient`, with an end for every request. */
export function fromKubeConfig(kubeConfig: KubeConfig): AskReview {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error("there is no cluster in the Kubernetes configuration");
  return async (review, signal) => {
    const configuration = createConfiguration({
      baseServer: new ServerConfiguration(cluster.server, {}),
      authMethods: { default: kubeConfig },
      promiseMiddleware: [
        {
          pre: async (request) => {
            request.setSignal(signal);
            return request;
          },
          post: async (response) => response,
        },
      ],
    });
    const body = { spec: { token: "" }, ...review };
    return await new AuthenticationV1Api(configuration).createTokenReview({ body });
  };
}
