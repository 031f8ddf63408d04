/** What the injector writes, the bouncer reads: its own parser takes the environment of every pod. */
import { containerName, environment, formatListeners, redirectEnvironment } from "bouncer/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../../../bouncer/src/config.ts";
import { parseRedirectSettings } from "../../../bouncer/src/redirect/settings.ts";
import { arbitraryPod } from "../../test/support/arbitrary-pod.ts";
import { buildContext, buildSettings } from "../../test/support/context.ts";
import { corpusPods } from "../../test/support/corpus.ts";
import { table } from "../annotations/table.ts";
import { inject } from "./pod.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const context = buildContext({
  settings: buildSettings({
    policy: {
      bundleUrl: "https://bridge:8443/bundles/policy.tar.gz",
      syncUrl: "wss://bridge:8443/v1/sync",
      syncCa: certificate,
      verification: { key: "secret", algorithm: "HS256", keyId: "k", scope: "write" },
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
