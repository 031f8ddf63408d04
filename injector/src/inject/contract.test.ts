/** What the injector writes, the bouncer reads: its own parser takes the environment of every pod. */
import { containerName, environment, formatListeners, redirectEnvironment } from "bouncer/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../../../bouncer/src/config.ts";
import { parseKeys } from "../../../bouncer/src/bundle/keys.ts";
import { parseRedirectSettings } from "../../../bouncer/src/redirect/settings.ts";
import { arbitraryPod } from "../../test/support/arbitrary-pod.ts";
import { buildContext, buildSettings } from "../../test/support/context.ts";
import { corpusPods } from "../../test/support/corpus.ts";
import { table } from "../annotations/table.ts";
import { isReach } from "../settings/reach.ts";
import { isCidr } from "../settings/value.ts";
import { formatKeys } from "../settings/verification.ts";
import { parseSettings } from "../settings.ts";
import { inject } from "./pod.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const context = buildContext({
  settings: buildSettings({
    policy: {
      bundleUrl:
        "https://bridge:8443/bundles/policy.tar.gz, https://bridge:8443/bundles/shop.tar.gz",
      syncUrl: "wss://bridge:8443/v1/sync",
      syncCa: certificate,
      verification: {
        key: "secret",
        algorithm: "HS256",
        keyId: "k",
        scope: "write",
        keys: [
          { keyId: "k2", key: "costs $(POD_NAME) $$5", algorithm: "HS512" },
          { keyId: "k3", key: "-----BEGIN PUBLIC KEY-----\n", scope: "read" },
        ],
      },
      refuseOlder: true,
      evaluation: { timeoutMs: 20, memoryMiB: 64 },
      decisionTimeoutMs: 3000,
      http: { allow: ["*.example.com:443", "unix:/run/opa.sock"], deny: [] },
    },
    trustedProxies: ["10.0.0.0/8", "::1"],
  }),
});

const fields: Readonly<Record<string, string>> = {
  "metadata.name": "web",
  "metadata.namespace": "shop",
  "status.podIP": "fd00::7",
};

/** As the kubelet does it, for the little that is needed here. */
function resolve(variable: { value?: string | null | undefined; valueFrom?: unknown }): string {
  const path = /"fieldPath":"([^"]+)"/.exec(JSON.stringify(variable.valueFrom ?? null))?.[1];
  return path === undefined ? (variable.value ?? "").replaceAll("$$", "$") : (fields[path] ?? "");
}

function problemsOf(pod: unknown): readonly string[] {
  const injection = inject(pod, context);
  if (injection.kind !== "inject") return [];
  return [containerName.loader, containerName.sidecar].flatMap((name) => {
    const container = injection.pod.spec.initContainers?.find((init) => init.name === name);
    const env = container?.env?.map((one) => [one.name, resolve(one)] as const) ?? [];
    if (new Set(env.map(([key]) => key)).size !== env.length) return ["a variable is set twice"];
    const parsed = parseConfig(Object.fromEntries<string>(env));
    if (parsed.kind === "invalid") return parsed.problems;
    return parsed.config.policySyncCa === certificate ? [] : ["the authority is lost"];
  });
}

test.each(corpusPods)("%s", (_, pod) => {
  expect(problemsOf(pod)).toEqual([]);
});

test("generated pods", () => {
  const property = fc.property(arbitraryPod, (pod) => problemsOf(pod).length === 0);
  expect(() => fc.assert(property)).not.toThrow();
});

test("what the operator says about policy arrives as it was meant", () => {
  const injection = inject({ spec: { containers: [{ name: "app" }] } }, context);
  if (injection.kind !== "inject") throw new Error(injection.reason);
  const parsedOf = (container: string) => {
    const found = injection.pod.spec.initContainers?.find(({ name }) => name === container);
    return parseConfig(
      Object.fromEntries(found?.env?.map((one) => [one.name, resolve(one)]) ?? []),
    );
  };
  const ofBoth = {
    policyBundleUrl: [
      new URL("https://bridge:8443/bundles/policy.tar.gz"),
      new URL("https://bridge:8443/bundles/shop.tar.gz"),
    ],
    policyVerificationKey: "secret",
    policyVerificationAlgorithm: "HS256",
    policyVerificationKeyId: "k",
    policyVerificationScope: "write",
    policyVerificationKeys: [
      { keyId: "k2", key: "costs $(POD_NAME) $$5", algorithm: "HS512", scope: null },
      { keyId: "k3", key: "-----BEGIN PUBLIC KEY-----\n", algorithm: "RS256", scope: "read" },
    ],
    policyRefuseOlder: true,
    policyEvaluationMemoryMib: 64,
  };
  expect(parsedOf(containerName.loader)).toMatchObject({
    config: { ...ofBoth, policyPersistDirectory: null },
  });
  expect(parsedOf(containerName.sidecar)).toMatchObject({
    config: {
      ...ofBoth,
      policyPersistDirectory: "/var/lib/bouncer",
      policyEvaluationTimeoutMs: 20,
      policyDecisionTimeoutMs: 3000,
      policyHttpAllow: [
        { kind: "domain", name: "example.com", port: 443 },
        { kind: "socket", path: "/run/opa.sock" },
      ],
      policyHttpDeny: [],
    },
  });
});

test("listeners and probes arrive as they were meant", () => {
  const injection = inject(
    {
      spec: {
        containers: [
          {
            name: "app",
            livenessProbe: {
              httpGet: {
                port: 3000,
                path: "/?price=$5",
                httpHeaders: [{ name: "X-A", value: "$(POD_NAME)" }],
              },
            },
          },
        ],
      },
    },
    context,
  );
  if (injection.kind !== "inject") throw new Error(injection.reason);
  const sidecar = injection.pod.spec.initContainers?.[2];
  const env = Object.fromEntries(sidecar?.env?.map((one) => [one.name, resolve(one)]) ?? []);
  expect(env[environment.listeners]).toBe(formatListeners([{ port: 8080, targetPort: 3000 }]));
  expect(parseConfig(env)).toMatchObject({
    config: {
      routes: [{ port: 8080, target: { host: "fd00::7", port: 3000 } }],
      probes: [
        { action: { path: "/?price=$5", headers: [{ name: "X-A", value: "$(POD_NAME)" }] } },
      ],
    },
  });
});

/** Key ids with commas between them; their keys as the bouncer gets them, if it gets all. */
function parseKeyIds(text: string): readonly string[] | undefined {
  const keys = text.split(",").map((keyId) => ({ keyId, key: `of ${keyId}` }));
  const parsed = parseSettings({ policy: { verification: { keys } } });
  if (!parsed.ok || parsed.settings.policy.verification === null) return undefined;
  const written = formatKeys(parsed.settings.policy.verification);
  expect(
    parseKeys(written ?? "")
      ?.map(({ keyId }) => keyId)
      .toSorted(),
  ).toEqual(keys.map(({ keyId }) => keyId).toSorted());
  return written === null ? undefined : [written];
}

/** Texts that are nearly right, so that both sides have something to disagree about. */
const nearly = (...pieces: readonly string[]) =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(""));

const serveWith = (name: string, value: string) =>
  parseConfig({ [environment.listeners]: "8080:3000", [name]: value }).kind;
const redirectWith = (name: string, value: string) =>
  parseRedirectSettings({ [redirectEnvironment.listeners]: "8080:3000", [name]: value }).kind;

test.each([
  [
    "degraded-routes",
    table.degradedRoutes,
    nearly(
      "GET",
      "POST",
      "*",
      " ",
      "/",
      "/*",
      "a",
      "health",
      "%2F",
      "..",
      "//",
      ",",
      "?",
      "é",
      ";",
    ),
    (value: string) => serveWith(environment.degradedRoutes, value),
  ],
  [
    "audit-masks",
    table.auditMasks,
    nearly(
      "/input",
      "/result",
      "/attributes/request/http/headers",
      "/X-A",
      "/a",
      "~",
      "~1",
      ",",
      " ",
    ),
    (value: string) => serveWith(environment.auditMasks, value),
  ],
  [
    "bundle-url",
    { parse: (text: string) => (table.bundleUrl.parse(text) === undefined ? undefined : [text]) },
    nearly(
      "https://",
      "http://",
      "ftp://",
      "a",
      "b.example:8443",
      "/",
      "/p.tar.gz",
      "/%2e",
      ",",
      ", ",
      "?v=1",
      "#x",
      "@",
      "..",
      " ",
    ),
    (value: string) => serveWith(environment.policyBundleUrl, value),
  ],
  [
    "policy.http.allow",
    { parse: (text: string) => (isReach(text) ? [text] : undefined) },
    nearly(
      "10.0.0.1",
      "fd00::1",
      "a.example",
      "*",
      ".",
      "[",
      "]",
      "/8",
      "/33",
      ":443",
      ":0",
      ":",
      "unix:",
      "/run",
      "-",
      "_",
      "1",
      "::ffff:1.2.3.4",
      "é",
      ",",
      " ",
    ),
    (value: string) => serveWith(environment.policyHttpAllow, value),
  ],
  [
    "policy.http.deny",
    { parse: (text: string) => (isCidr(text) ? [text] : undefined) },
    nearly("10.0.0.0", "fd00::", "1", "/", "8", "33", "129", "::ffff:1.2.3.4", "%eth0", "none"),
    (value: string) => serveWith(environment.policyHttpDeny, value),
  ],
  [
    "policy.verification.keys",
    { parse: parseKeyIds },
    nearly("a", "b", ",", " ", "1", "__proto__", "constructor", '"', "é", "$"),
    (value: string) => serveWith(environment.policyVerificationKeys, value),
  ],
  [
    "excluded-source-cidrs",
    table.excludedSources,
    nearly("10.0.0.0", "fd00::", "1", "/", "8", "33", "129", ",", "%eth0", "::ffff:1.2.3.4"),
    (value: string) => redirectWith(redirectEnvironment.excludedSources, value),
  ],
] as const)("what the injector accepts for %s, the bouncer accepts", (_, row, texts, read) => {
  const property = fc.property(texts, (text) => {
    const items = row.parse(text);
    const kind = items === undefined ? "ok" : read(items.join(","));
    expect({ text, kind }).toEqual({ text, kind: "ok" });
  });
  expect(() => fc.assert(property, { numRuns: 2000 })).not.toThrow();
});
