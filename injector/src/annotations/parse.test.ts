import { describe, expect, test } from "vitest";
import { buildSettings } from "../../test/support/context.ts";
import { type Options, parseAnnotations } from "./parse.ts";
import { rows } from "./table.ts";

const settings = buildSettings({
  policy: {
    bundleUrl: "https://bridge.bouncer.svc:8443/bundles/policy.tar.gz",
    syncUrl: "wss://bridge.bouncer.svc:8443/v1/sync",
  },
});

const named = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`bouncer.dev/${key}`, value]));

function parse(
  pod: Record<string, string>,
  namespace: Record<string, string> = {},
  given = settings,
) {
  return parseAnnotations({ pod: named(pod), namespace: named(namespace) }, given);
}

const range = (first: number, last = first) => ({ kind: "range", first, last }) as const;

const accepted: readonly (readonly [string, string, Partial<Options>])[] = [
  ["preset", "xlarge", { preset: "xlarge" }],
  ["cpu-request", "250m", { cpuRequest: "250m" }],
  ["cpu-limit", "1.5", { cpuLimit: "1.5" }],
  ["memory-request", "96Mi", { memoryRequest: "96Mi" }],
  ["memory-limit", "1Gi", { memoryLimit: "1Gi" }],
  ["app-ports", "3000", { appPorts: [range(3000)] }],
  [
    "app-ports",
    "http, 8000-8010 ,1",
    { appPorts: [{ kind: "name", name: "http" }, range(8000, 8010), range(1)] },
  ],
  ["bundle-url", "http://bundles/b.tar.gz?v=1", { bundleUrl: "http://bundles/b.tar.gz?v=1" }],
  ["policy-sync-url", "wss://other/v1/sync", { syncUrl: "wss://other/v1/sync" }],
  ["decision-path", "shop/http/allow", { decisionPath: "shop/http/allow" }],
  ["cache-ttl", "0", { cacheTtl: 0 }],
  ["log-level", "debug", { logLevel: "debug" }],
  ["audit", "off", { audit: { enabled: false, destination: "stdout" } }],
  ["audit", "file", { audit: { enabled: true, destination: "file" } }],
  ["drain-delay", "600", { drainDelaySeconds: 600 }],
  ["target-host", "127.0.0.1", { targetHost: "127.0.0.1" }],
  ["target-host", "::1", { targetHost: "::1" }],
  ["target-host", "app.local", { targetHost: "app.local" }],
];

test.each(accepted)("%s: %s", (name, value, options) => {
  const parsed = parse({ [name]: value });
  expect(parsed).toMatchObject({ problems: [], warnings: [], options });
});

const refused: readonly (readonly [string, string])[] = [
  ["preset", "tiny"],
  ["preset", "Small"],
  ["cpu-request", "0"],
  ["cpu-limit", "100 m"],
  ["memory-request", "64mb"],
  ["memory-limit", "-1Mi"],
  ["app-ports", ""],
  ["app-ports", "3000,"],
  ["app-ports", "0"],
  ["app-ports", "65536"],
  ["app-ports", "8010-8000"],
  ["app-ports", "*"],
  ["app-ports", "a-name-that-is-too-long"],
  ["bundle-url", "/bundles/policy.tar.gz"],
  ["bundle-url", "file:///etc/passwd"],
  ["bundle-url", "https://user:secret@bundles/b"],
  ["policy-sync-url", "ftp://bridge"],
  ["decision-path", "/envoy/authz/allow"],
  ["decision-path", "envoy..authz"],
  ["cache-ttl", "1m"],
  ["cache-ttl", "86401"],
  ["cache-ttl", "-1"],
  ["log-level", "verbose"],
  ["audit", "true"],
  ["drain-delay", "601"],
  ["target-host", "http://127.0.0.1"],
  ["target-host", "$(POD_IP)"],
];

test.each(refused)("not %s: %s", (name, value) => {
  const row = rows.find((one) => one.name === `bouncer.dev/${name}`);
  const problem = (where: string) =>
    `annotation bouncer.dev/${name} of the ${where}: "${value}" is not ${row?.accepted}`;
  expect(parse({ [name]: value }).problems).toEqual([problem("pod")]);
  expect(parse({}, { [name]: value }).problems).toEqual([problem("namespace")]);
});

test("all problems are found", () => {
  expect(parse({ preset: "tiny", "cache-ttl": "x" }, { audit: "x" }).problems).toHaveLength(3);
});

test("the pod goes before its namespace, and that before the settings", () => {
  const { options } = parse({ preset: "large" }, { preset: "medium", "log-level": "warn" });
  expect(options).toMatchObject({ preset: "large", logLevel: "warn", cacheTtl: settings.cacheTtl });
});

test("unlisted ports are for the namespace to decide", () => {
  expect(parse({}, { "unlisted-ports": "allow" }).options.unlistedPorts).toBe("allow");
  expect(parse({ "unlisted-ports": "allow" }).problems).toEqual([
    "annotation bouncer.dev/unlisted-ports of the pod: it is accepted on the namespace only",
  ]);
});

describe("where opting out is forbidden", () => {
  const strict = buildSettings({ allowOptOut: false });
  test.each(["bundle-url", "policy-sync-url", "decision-path", "audit"])("%s", (name) => {
    const value = { audit: "off", "decision-path": "a/b" }[name] ?? "https://elsewhere/b";
    expect(parse({ [name]: value }, {}, strict).problems).toEqual([
      `annotation bouncer.dev/${name} of the pod: the operator accepts it on the namespace only`,
    ]);
    expect(parse({}, { [name]: value }, strict).problems).toEqual([]);
  });
});

test("unknown keys are warned about, with the nearest known one", () => {
  const { warnings, problems } = parse({ "cache-til": "5", status: "{}" }, { inject: "false" });
  expect(problems).toEqual([]);
  expect(warnings.map(({ message }) => message)).toEqual([
    "annotation bouncer.dev/inject of the namespace (is for pods only): An annotation under bouncer.dev/ is not known and was ignored.",
    "annotation bouncer.dev/cache-til of the pod (did you mean bouncer.dev/cache-ttl?): An annotation under bouncer.dev/ is not known and was ignored.",
  ]);
});

test.each([
  ["nothing chosen", {}, { syncUrl: settings.policy.syncUrl, operatorsHosts: true }],
  [
    "another bundle of the operator's bridge",
    { "bundle-url": "https://bridge.bouncer.svc:8443/bundles/shop.tar.gz" },
    { syncUrl: settings.policy.syncUrl, operatorsHosts: true },
  ],
  [
    "a bundle from elsewhere is polled there",
    { "bundle-url": "https://elsewhere/b.tar.gz" },
    { syncUrl: "https://elsewhere/b.tar.gz", operatorsHosts: false },
  ],
  [
    "another bridge",
    { "policy-sync-url": "wss://elsewhere/v1/sync" },
    { syncUrl: "wss://elsewhere/v1/sync", operatorsHosts: false },
  ],
])("the operator's token and authority: %s", (_, pod, expected) => {
  expect(parse(pod).options).toMatchObject(expected);
});
