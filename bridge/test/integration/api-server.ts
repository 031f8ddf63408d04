/** The part of the API server that the bridge talks to. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { onTestFinished } from "vitest";

/** Answers with `status` 201 and this review. */
export async function startApiServer(answer: (review: unknown) => unknown, status = 201) {
  const requests: { url: string; authorization: string | undefined; body: unknown }[] = [];
  const server: Server = createServer((request, response) => {
    const answerReview = async (): Promise<void> => {
      const body = await json(request);
      requests.push({ url: request.url ?? "", authorization: request.headers.authorization, body });
      const review = answer(body);
      // Undefined: never answers.
      if (review === undefined) return;
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(review));
    };
    void answerReview();
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: "test", server: `http://localhost:${port}`, skipTLSVerify: true },
    { name: "bridge", token: "own-token" },
  );
  return { kubeConfig, requests };
}

/** Of a pod's token that was issued for the bridge. */
export const reviewed = {
  apiVersion: "authentication.k8s.io/v1",
  kind: "TokenReview",
  spec: {},
  status: {
    authenticated: true,
    audiences: ["bouncer-bridge"],
    user: {
      username: "system:serviceaccount:shop:default",
      extra: { "authentication.kubernetes.io/pod-name": ["cart-1"] },
    },
  },
};
