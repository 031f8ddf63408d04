import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { expect, onTestFinished, test } from "vitest";
import { connectApiServer } from "../../src/api-server.ts";
import { fromKubeConfig } from "../../src/kube-config.ts";
import { createStaticCheck } from "../../src/static-tokens.ts";
import { createTokenReviewCheck } from "../../src/token-review.ts";
import { reviewed, startApiServer } from "./api-server.ts";
import { createCertificate, createDirectory, createTestLog } from "./support.ts";

function createCheck(kubeConfig: KubeConfig, timeoutMs = 5_000) {
  const logged = createTestLog();
  const check = createTokenReviewCheck({
    ask: fromKubeConfig(kubeConfig),
    audience: "bouncer-bridge",
    log: logged.log,
    timeoutMs,
  });
  return { check, logged };
}

test("the API server is asked about the token and our audience, with the bridge's own token", async () => {
  const { kubeConfig, requests } = await startApiServer(() => reviewed);
  const { check } = createCheck(kubeConfig);
  expect(await check("pod-token")).toEqual({
    kind: "identity",
    identity: { subject: "system:serviceaccount:shop:default", pod: "shop/cart-1" },
  });
  expect(requests).toMatchObject([
    {
      url: "/apis/authentication.k8s.io/v1/tokenreviews",
      authorization: "Bearer own-token",
      body: { spec: { token: "pod-token", audiences: ["bouncer-bridge"] } },
    },
  ]);
});

test("in a pod it is asked by the service account's files, as they are now", async () => {
  const folder = await createDirectory();
  const certificate = createCertificate();
  const seen: (string | undefined)[] = [];
  const server = createServer(
    { cert: certificate["tls.crt"], key: certificate["tls.key"] },
    (request, response) => {
      seen.push(request.headers.authorization);
      const isRenewed = request.headers.authorization === "Bearer renewed";
      response.writeHead(isRenewed ? 201 : 401).end(JSON.stringify(reviewed));
    },
  );
  server.listen(0, "localhost");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await writeFile(join(folder, "token"), "first\n");
  await writeFile(join(folder, "ca.crt"), createCertificate()["tls.crt"]);
  const ask = await connectApiServer(
    { KUBERNETES_SERVICE_HOST: "localhost", KUBERNETES_SERVICE_PORT: String(port) },
    folder,
  );
  const signal = AbortSignal.timeout(20_000);
  await expect(ask({}, signal)).rejects.toThrow(/self-signed|unable to verify/);
  await writeFile(join(folder, "ca.crt"), certificate["tls.crt"]);
  await expect(ask({}, signal)).rejects.toThrow("status 401");
  await writeFile(join(folder, "token"), "renewed\n");
  expect(await ask({}, signal)).toEqual(reviewed);
  expect(seen).toEqual(["Bearer first", "Bearer renewed"]);
});

test.each([
  ["the bridge may not ask", () => ({ kind: "Status", message: "forbidden" }), 403],
  ["the API server fails", () => ({ kind: "Status" }), 500],
  ["the answer never comes", () => undefined, 201],
])("not known, so refused for now: %s", async (_name, answer, status) => {
  const { kubeConfig } = await startApiServer(answer, status);
  const { check, logged } = createCheck(kubeConfig, 200);
  expect(await check("pod-token")).toEqual({ kind: "refusal", code: "authenticator_unavailable" });
  expect(await logged.has({ msg: "token review failed" })).toBeDefined();
  expect(JSON.stringify(logged.lines)).not.toContain("pod-token");
});

test("static tokens: comments, short ones, a file that changes and one that goes", async () => {
  const file = join(await createDirectory(), "tokens");
  const { log, lines } = createTestLog();
  const check = createStaticCheck(file, log);
  const accepted = { kind: "identity", identity: { subject: "token", pod: null } };
  const refused = { kind: "refusal", code: "token_refused" };
  expect(await check("first-token-0123456789")).toEqual({
    kind: "refusal",
    code: "authenticator_unavailable",
  });
  await writeFile(file, "# tokens\n\n first-token-0123456789 \nshort\n");
  expect(await check("first-token-0123456789")).toEqual(accepted);
  expect(await check("short")).toEqual(refused);
  expect(await check("# tokens")).toEqual(refused);
  expect(await check("first-token-012345678")).toEqual(refused);
  await writeFile(file, "second-token-0123456789\n");
  expect(await check("second-token-0123456789")).toEqual(accepted);
  expect(await check("first-token-0123456789")).toEqual(refused);
  expect(JSON.stringify(lines)).not.toContain("0123456789");
});
