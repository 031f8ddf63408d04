/**
 * Asks the API server for token reviews. In a pod by what the kubelet gives it, token and authority
 * in files that are renewed; elsewhere by a kubeconfig, whose library takes 58 MiB and is loaded
 * there only.
 */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { Agent, request } from "undici";
import { BridgeError, messageOf } from "./errors.ts";
import type { AskReview } from "./token-review.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const path = "/apis/authentication.k8s.io/v1/tokenreviews";
const connectMs = 5_000;
/** What one replica asks at once is bounded elsewhere; so many connections are enough for it. */
const maxConnections = 8;

/**
 * `folder`: of the service account's `token` and `ca.crt`.
 * @throws BridgeError `start_failed`
 */
export async function connectApiServer(
  environment: Environment,
  folder: string,
): Promise<AskReview> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = environment;
  const isInCluster = host !== "" && port !== "" && (environment["KUBECONFIG"] ?? "") === "";
  if (isInCluster) {
    return createInCluster(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, folder);
  }
  try {
    const { loadDefault } = await import("./kube-config.ts");
    return loadDefault();
  } catch (error) {
    const message = `Cannot load the Kubernetes configuration: ${messageOf(error)}`;
    throw new BridgeError("start_failed", message, error);
  }
}

function createInCluster(origin: string, folder: string): AskReview {
  let kept: Agent | null = null;

  async function createAgent(): Promise<Agent> {
    const ca = await readFile(join(folder, "ca.crt"), "utf8");
    // Others may have made one while the file was read.
    kept ??= new Agent({ connections: maxConnections, connect: { ca, timeout: connectMs } });
    return kept;
  }

  return async (review, signal) => {
    const token = (await readFile(join(folder, "token"), "utf8")).trim();
    const dispatcher = kept ?? (await createAgent());
    const answer = await request(`${origin}${path}`, {
      method: "POST",
      dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "user-agent": "bouncer-bridge",
      },
      body: JSON.stringify(review),
      signal,
    }).catch((error: unknown) => {
      // Perhaps its authority is another one now: the next request makes connections anew.
      if (kept === dispatcher) kept = null;
      dispatcher.close().catch(() => undefined);
      throw error;
    });
    if (answer.statusCode < 300) return await answer.body.json();
    await answer.body.dump();
    throw new Error(`the API server answered with status ${answer.statusCode}`);
  };
}
