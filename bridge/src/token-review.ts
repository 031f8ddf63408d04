/**
 * Checks projected service-account tokens by asking the API server (TokenReview). The only file
 * that knows @kubernetes/client-node.
 */
import {
  AuthenticationV1Api,
  KubeConfig,
  ServerConfiguration,
  createConfiguration,
  type V1TokenReview,
  type V1UserInfo,
} from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { Authentication, CheckToken, Identity } from "./authenticate.ts";
import { messageOf } from "./errors.ts";

export interface TokenReviewOptions {
  readonly kubeConfig: KubeConfig;
  readonly audience: string;
  readonly log: Logger;
  readonly timeoutMs: number;
}

/** In a pod its service account, elsewhere the kubeconfig. */
export function loadKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return kubeConfig;
}

const serviceAccountPrefix = "system:serviceaccount:";
/** Extra fields of a token that is bound to a pod (KEP-1205). */
const podNameExtra = "authentication.kubernetes.io/pod-name";

export function createTokenReviewCheck(options: TokenReviewOptions): CheckToken {
  const { audience } = options;
  const api = createApi(options);

  return async (token) => {
    try {
      const body = { spec: { token, audiences: [audience] } };
      return understandReview(await api.createTokenReview({ body }), audience);
    } catch (error) {
      options.log.error({ problem: messageOf(error) }, "token review failed");
      return { kind: "refusal", code: "authenticator_unavailable" };
    }
  };
}

/** As `kubeConfig.makeApiClient`, and every request ends after `timeoutMs`. */
function createApi({ kubeConfig, timeoutMs }: TokenReviewOptions): AuthenticationV1Api {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw new Error("there is no cluster in the Kubernetes configuration");
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setSignal(AbortSignal.timeout(timeoutMs));
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
  return new AuthenticationV1Api(configuration);
}

/**
 * A server that knows no audiences answers `authenticated` without naming ours: that is a refusal
 * (the token may have been issued for the API server itself).
 */
export function understandReview(review: V1TokenReview, audience: string): Authentication {
  const { authenticated = false, audiences = [], user = {} } = review.status ?? {};
  if (!authenticated || !audiences.includes(audience)) {
    return { kind: "refusal", code: "token_refused" };
  }
  const identity = identify(user);
  if (identity === null) return { kind: "refusal", code: "identity_forbidden" };
  return { kind: "identity", identity };
}

/** Null when it is not a service account. */
function identify(user: V1UserInfo): Identity | null {
  const subject = user.username ?? "";
  if (!subject.startsWith(serviceAccountPrefix)) return null;
  const namespace = subject.slice(serviceAccountPrefix.length).split(":", 1).join("");
  const pod = user.extra?.[podNameExtra]?.[0];
  return { subject, pod: pod === undefined ? null : `${namespace}/${pod}` };
}
