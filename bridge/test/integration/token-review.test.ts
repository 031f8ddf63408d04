import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { createStaticCheck } from "../../src/static-tokens.ts";
import { createTokenReviewCheck } from "../../src/token-review.ts";
import { reviewed, startApiServer } from "./api-server.ts";
import { createDirectory, createTestLog } from "./support.ts";

function createCheck(kubeConfig: KubeConfig, timeoutMs = 5_000) {
  const logged = createTestLog();
  const check = createTokenReviewCheck({
    kubeConfig,
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
