/** Decisions that ask other servers: they wait, and nobody waits for them. */
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPolicy } from "../../../src/policy/policy.ts";
import { buildBundle } from "../policy/opa.ts";
import { configOf, requestOf, silent, useDirectory } from "../policy/setting.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serverOf(handle: Handler) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function policyOf(rego: string, env: Parameters<typeof configOf>[0] = {}) {
  const directory = await useDirectory();
  const bundle = await buildBundle({
    "authz.rego": rego,
    ".manifest": JSON.stringify({ metadata: { bouncer: { input: ["parsed_path"] } } }),
  });
  await writeFile(join(directory.path, "bundle.tar.gz"), bundle);
  const config = configOf({
    POLICY_DIRECTORY: directory.path,
    POLICY_HTTP_DENY: "none",
    CACHE_TTL: "60",
    ...env,
  });
  const policy = await createPolicy(config, { log: silent, version: "1" });
  return {
    policy,
    decide: async (target: string) => await policy.decide(requestOf({ target }), null),
    [Symbol.asyncDispose]: async () => {
      await policy.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const countingServer = async () => {
  const seen: string[] = [];
  const server = await serverOf((request, response) => {
    seen.push(request.url ?? "");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ next: `${request.url}x`, user: "ann" }));
  });
  return { seen, ...server };
};

test("an answer decides; calls that do not depend on each other are made at once, and once", async () => {
  await using server = await countingServer();
  await using setting = await policyOf(`package envoy.authz
one := http.send({"method": "GET", "url": "${server.url}/one"}).body.user
again := http.send({"method": "GET", "url": "${server.url}/one"}).body.user
two := http.send({"method": "GET", "url": "${server.url}/two"}).body.user
allow := {"allowed": true, "headers": {"x-users": concat(",", [one, again, two])}}`);
  const decision = await setting.decide("/");
  expect(decision.verdict).toMatchObject({
    kind: "allow",
    requestHeaders: [["x-users", "ann,ann,ann"]],
  });
  expect(server.seen.toSorted()).toEqual(["/one", "/two"]);
});

const call = (url: string): string => `http.send({"method": "GET", "url": ${url}}).body.next`;

test("a call that depends on another is made after it; a chain without end is an error", async () => {
  await using server = await countingServer();
  const chain = (length: number): string =>
    Array.from(
      { length },
      (_, at) => `s${at + 1} := ${call(`concat("", ["${server.url}", s${at}])`)}`,
    ).join("\n");
  await using short = await policyOf(`package envoy.authz
s0 := "/"
${chain(5)}
allow := {"allowed": true, "headers": {"x-last": s5}}`);
  expect((await short.decide("/")).verdict).toMatchObject({
    requestHeaders: [["x-last", "/xxxxx"]],
  });
  await using long = await policyOf(`package envoy.authz
s0 := "/"
${chain(12)}
allow if s12`);
  expect((await long.decide("/")).verdict).toMatchObject({
    reason: "policy_error",
    detail: "it needs the network more than 8 times in a row",
  });
});

test("a decision that asked the network is not kept, unless the policy says for how long", async () => {
  await using server = await countingServer();
  const rego = (extra: string): string => `package envoy.authz
allow := object.union({"allowed": body.user == "ann"}, ${extra})
body := http.send({"method": "GET", "url": "${server.url}/kept"}).body`;
  await using plain = await policyOf(rego("{}"));
  for (let count = 0; count < 3; count += 1) expect((await plain.decide("/")).cached).toBe(false);
  expect(server.seen).toHaveLength(3);
  await using kept = await policyOf(rego('{"ttl": 30}'));
  expect((await kept.decide("/")).cached).toBe(false);
  expect((await kept.decide("/")).cached).toBe(true);
  expect(server.seen).toHaveLength(4);
});

test("time and chance are not kept either", async () => {
  await using timed = await policyOf("package envoy.authz\nallow if time.now_ns() > 0");
  await using random = await policyOf('package envoy.authz\nallow if rand.intn("x", 10) >= 0');
  await using pure = await policyOf('package envoy.authz\nallow if crypto.sha256("x") != ""');
  for (const [setting, cached] of [
    [timed, false],
    [random, false],
    [pure, true],
  ] as const) {
    for (let count = 0; count < 2; count += 1) await setting.decide("/");
    expect((await setting.decide("/")).cached).toBe(cached);
  }
});

test("a server that does not answer costs its own requests their time, and no others", async () => {
  await using server = await serverOf(() => undefined);
  await using setting = await policyOf(
    `package envoy.authz
allow if input.parsed_path[0] == "fast"
allow if { input.parsed_path[0] == "slow"; http.send({"method": "GET", "url": "${server.url}", "timeout": "60s"}).status_code == 200 }`,
    { POLICY_DECISION_TIMEOUT_MS: "300" },
  );
  const pending = setting.decide("/slow");
  expect((await setting.decide("/fast")).verdict.kind).toBe("allow");
  expect((await pending).verdict).toMatchObject({ reason: "policy_timeout", status: 503 });
});

test("by default, a policy does not reach the pod itself", async () => {
  await using server = await countingServer();
  const { deniedByDefault } = await import("../../../src/config/reach.ts");
  await using setting = await policyOf(
    `package envoy.authz
response := http.send({"method": "GET", "url": "${server.url}", "raise_error": false})
allow := {"allowed": response.status_code == 0, "headers": {"x-code": response.error.code}}`,
    { POLICY_HTTP_DENY: deniedByDefault.join(",") },
  );
  expect((await setting.decide("/")).verdict).toMatchObject({ kind: "allow" });
  expect(server.seen).toEqual([]);
});
