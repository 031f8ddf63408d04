/**
 * Asks the API server for token reviews. In a pod by what the kubelet gives it, token and authority
 * in files that are renewed; elsewhere by a kubeconfig, whose library takes 58 MiB and is loaded
 * there only.
 */
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { BridgeError, messageOf } from "./errors.ts";
import type { AskReview } from "./token-review.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const path = "/apis/authentication.k8s.io/v1/tokenreviews";
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
    const server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
    return createInCluster(server, folder);
  }
  try {
    const { loadDefault } = await import("./kube-config.ts");
    return loadDefault();
  } catch (error) {
    const message = `Cannot load the Kubernetes configuration: ${messageOf(error)}`;
    throw new BridgeError("start_failed", message, error);
  }
}

function createInCluster(server: URL, folder: string): AskReview {
  let kept: Agent | null = null;

  async function createAgent(): Promise<Agent> {
    const ca = await readFile(join(folder, "ca.crt"), "utf8");
    // Others may have made one while the file was read.
    kept ??= new Agent({ ca, keepAlive: true, maxSockets: maxConnections });
    return kept;
  }

  return async (review, signal) => {
    const token = (await readFile(join(folder, "token"), "utf8")).trim();
    const agent = kept ?? (await createAgent());
    const body = JSON.stringify(review);
    const outgoing = request(new URL(path, server), {
      method: "POST",
      agent,
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "bouncer-bridge",
      },
    });
    const answered = Promise.withResolvers<IncomingMessage>();
    outgoing.on("response", answered.resolve);
    outgoing.on("error", (error) => {
      // Perhaps its authority is another one now: the next request makes connections anew.
      if (kept === agent) kept = null;
      answered.reject(error);
    });
    outgoing.end(body);
    const answer = await answered.promise;
    if (answer.statusCode === 200 || answer.statusCode === 201) return await json(answer);
    answer.resume();
    throw new Error(`the API server answered with status ${answer.statusCode}`);
  };
}
