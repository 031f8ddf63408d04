import { describe, expect, test } from "vitest";
import { buildSettings } from "../../test/support/context.ts";
import { weakeningAnnotations } from "../settings/value.ts";
import { type Options, parseAnnotations } from "./parse.ts";
import { rows } from "./table.ts";

const settings = buildSettings({
  allowedPodAnnotations: [...weakeningAnnotations],
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

const audit = (given: Partial<Options["audit"]>): Options["audit"] => ({
  enabled: true,
  destination: "stdout",
  mode: "availability",
  masks: [],
  ...given,
});
const portNamed = (name: string) => ({ kind: "name", name }) as const;
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
  [
    "bundle-url",
    "http://bundles/b.tar.gz, https://bundles/c.tar.gz",
    { bundleUrl: "http://bundles/b.tar.gz, https://bundles/c.tar.gz" },
  ],
  ["policy-sync-url", "wss://other/v1/sync", { syncUrl: "wss://other/v1/sync" }],
  ["decision-path", "shop/http/allow", { decisionPath: "shop/http/allow" }],
  ["cache-ttl", "0", { cacheTtl: 0 }],
  ["log-level", "debug", { logLevel: "debug" }],
  ["audit", "off", { audit: audit({ enabled: false }) }],
  ["audit", "file", { audit: audit({ destination: "file" }) }],
  ["audit-mode", "auditability", { audit: audit({ mode: "auditability" }) }],
  ["audit-masks", "/input/a~1b, /result", { audit: audit({ masks: ["/input/a~1b", "/result"] }) }],
  ["mode", "service", { mode: "service" }],
  ["native-sidecar", "auto", { nativeSidecar: "auto" }],
  ["native-sidecar", "false", { nativeSidecar: false }],
  ["excluded-ports", "9100,metrics", { excludedPorts: [range(9100), portNamed("metrics")] }],
  ["excluded-source-cidrs", "10.0.0.0/8,fd00::1", { excludedSources: ["10.0.0.0/8", "fd00::1"] }],
  ["opaque-ports", "5432", { opaquePorts: [range(5432)] }],
  [
    "app-protocols",
    "9000=h2c, http = http1,8000-8010=auto",
    {
      appProtocols: [
        { port: range(9000), protocol: "h2c" },
        { port: portNamed("http"), protocol: "http1" },
        { port: range(8000, 8010), protocol: "auto" },
      ],
    },
  ],
  ["tls-secret", "orders.shop-tls", { tlsSecret: "orders.shop-tls" }],
  ["via", "none", { via: "none" }],
  ["via", "edge-1", { via: "edge-1" }],
  ["long-lived-streams", "close", { longLivedStreams: "close" }],
  ["long-lived-streams", "keep", { longLivedStreams: "keep" }],
  ["threads", "auto", { threads: "auto" }],
  ["threads", "64", { threads: 64 }],
  ["degraded-routes", "GET /health,* /a/*", { degradedRoutes: ["GET /health", "* /a/*"] }],
  ["shadow", "true", { shadow: true }],
  ["image", "registry.example:5000/b@sha256:0a", { image: "registry.example:5000/b@sha256:0a" }],
  ["extra-env", `[{"name":"A","value":"1"}]`, { extraEnv: [{ name: "A", value: "1" }] }],
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
  ["bundle-url", "https://bundles/b,"],
  ["bundle-url", "https://bundles/b,/c"],
  ["bundle-url", "https://bundles/b,https://other/b?v=2"],
  ["policy-sync-url", "ftp://bridge"],
  ["decision-path", "/envoy/authz/allow"],
  ["decision-path", "envoy..authz"],
  ["cache-ttl", "1m"],
  ["cache-ttl", "86401"],
  ["cache-ttl", "-1"],
  ["log-level", "verbose"],
  ["audit", "true"],
  ["audit-mode", "both"],
  ["audit-masks", "input/a"],
  ["audit-masks", "/data/a"],
  ["mode", "Redirect"],
  ["native-sidecar", "yes"],
  ["excluded-ports", "0-10"],
  ["excluded-source-cidrs", "10.0.0.0/33"],
  ["excluded-source-cidrs", "example.org"],
  ["excluded-source-cidrs", "10.0.0.0/8/8"],
  ["excluded-source-cidrs", "fd00::/129"],
  ["opaque-ports", "x y"],
  ["app-protocols", ""],
  ["app-protocols", "9000"],
  ["app-protocols", "9000:h2c"],
  ["app-protocols", "9000=http2"],
  ["app-protocols", "9000=h2c=http1"],
  ["app-protocols", "0=h2c"],
  ["app-protocols", "9000=h2c,"],
  ["tls-secret", ""],
  ["tls-secret", "Orders"],
  ["tls-secret", "shop/orders"],
  ["via", ""],
  ["via", "two words"],
  ["via", "a".repeat(65)],
  ["long-lived-streams", "drop"],
  ["threads", "0"],
  ["threads", "65"],
  ["threads", "1.5"],
  ["degraded-routes", "/health"],
  ["degraded-routes", "GET health"],
  ["degraded-routes", "GET /a/*/b"],
  ["degraded-routes", "GET /a*"],
  ["degraded-routes", "GET /a?b=1"],
  ["degraded-routes", "get /a"],
  ["shadow", "1"],
  ["image", "two words"],
  ["extra-env", "A=1"],
  ["extra-env", `[{"name":"LISTENERS","value":"8080:1"}]`],
  ["extra-env", `[{"name":"1A"}]`],
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

test("ports speak TLS with a certificate only", () => {
  const both = { "tls-ports": "8443", "tls-secret": "orders" };
  expect(parse(both)).toMatchObject({ problems: [], options: { tlsPorts: [range(8443)] } });
  expect(parse({ "tls-ports": "8443" }, { "tls-secret": "orders" }).problems).toEqual([]);
  expect(parse({}, { "tls-ports": "8443" }).problems).toEqual([]);
  expect(parse({ "tls-ports": "8443" }).problems).toEqual([
    "annotation bouncer.dev/tls-ports of the pod: there is no certificate; accepted is what comes with bouncer.dev/tls-secret",
  ]);
});

test("what the settings say about streams holds where no annotation says otherwise", () => {
  const given = buildSettings({ via: "edge", longLivedStreams: "close", threads: 2 });
  expect(parse({}, {}, given).options).toMatchObject({
    via: "edge",
    longLivedStreams: "close",
    threads: 2,
  });
  const namespace = { via: "none", "long-lived-streams": "recheck", threads: "auto" };
  expect(parse({}, namespace, given).options).toMatchObject({
    via: "none",
    longLivedStreams: "recheck",
    threads: "auto",
  });
});

test("unlisted ports are for the namespace to decide", () => {
  expect(parse({}, { "unlisted-ports": "allow" }).options.unlistedPorts).toBe("allow");
  expect(parse({ "unlisted-ports": "allow" }).problems).toEqual([
    "annotation bouncer.dev/unlisted-ports of the pod: it is accepted on the namespace only",
  ]);
});

describe("what could switch enforcement off is the operator's", () => {
  const strict = buildSettings();
  const weakening = accepted.filter(([name]) => weakeningAnnotations.some((one) => one === name));

  test("every such annotation has a case", () => {
    expect(new Set(weakening.map(([name]) => name))).toEqual(new Set(weakeningAnnotations));
  });

  test.each(weakening)("%s: %s", (name, value, options) => {
    expect(parse({ [name]: value }, {}, strict).problems).toEqual([
      `annotation bouncer.dev/${name} of the pod: it is accepted on the namespace only, as the operator does not list "${name}" in allowedPodAnnotations`,
    ]);
    expect(parse({}, { [name]: value }, strict)).toMatchObject({ problems: [], options });
    const only = buildSettings({ allowedPodAnnotations: [name] });
    expect(parse({ [name]: value }, {}, only)).toMatchObject({ problems: [], options });
  });
});

test("lists of the settings hold where no annotation says otherwise", () => {
  const given = buildSettings({
    excludedPorts: [9100, "8000-8010"],
    excludedSourceCidrs: ["10.0.0.0/8"],
    degradedRoutes: ["GET /health"],
    shadow: true,
    audit: { masks: ["/input/a"] },
    extraEnv: [
      { name: "A", value: "1" },
      { name: "B", value: "2" },
    ],
  });
  expect(parse({}, {}, given).options).toMatchObject({
    excludedPorts: [range(9100), range(8000, 8010)],
    excludedSources: ["10.0.0.0/8"],
    degradedRoutes: ["GET /health"],
    shadow: true,
  });
  const namespace = {
    "excluded-ports": "1",
    shadow: "false",
    "audit-masks": "/result",
    "extra-env": `[{"name":"A","value":"3"}]`,
  };
  expect(parse({}, namespace, given).options).toMatchObject({
    excludedPorts: [range(1)],
    shadow: false,
    audit: { masks: ["/input/a", "/result"] },
    extraEnv: [
      { name: "B", value: "2" },
      { name: "A", value: "3" },
    ],
  });
});

test("records cannot be off where each must be written", () => {
  const strict = buildSettings({ audit: { mode: "auditability" } });
  expect(parse({}, { audit: "off" }, strict).problems).toEqual([
    `annotation bouncer.dev/audit: "off" contradicts the audit mode auditability`,
  ]);
});

test("a long value is not repeated whole", () => {
  const [problem] = parse({ preset: "x".repeat(1000) }).problems;
  expect(problem?.length).toBeLessThan(400);
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
    "several of the operator's bridge",
    {
      "bundle-url":
        "https://bridge.bouncer.svc:8443/bundles/policy.tar.gz,https://bridge.bouncer.svc:8443/bundles/shop.tar.gz",
    },
    { syncUrl: settings.policy.syncUrl, operatorsHosts: true },
  ],
  [
    "several, of which one is from elsewhere",
    {
      "bundle-url":
        "https://bridge.bouncer.svc:8443/bundles/policy.tar.gz, https://elsewhere/b.tar.gz",
    },
    { syncUrl: "https://bridge.bouncer.svc:8443/bundles/policy.tar.gz", operatorsHosts: false },
  ],
  [
    "another port is another host",
    { "bundle-url": "https://bridge.bouncer.svc:9443/bundles/policy.tar.gz" },
    { operatorsHosts: false },
  ],
  [
    "another bridge",
    { "policy-sync-url": "wss://elsewhere/v1/sync" },
    { syncUrl: "wss://elsewhere/v1/sync", operatorsHosts: false },
  ],
])("the operator's token and authority: %s", (_, pod, expected) => {
  expect(parse(pod).options).toMatchObject(expected);
});

test("every host of the operator's list is the operator's", () => {
  const given = buildSettings({
    allowedPodAnnotations: ["bundle-url"],
    policy: { bundleUrl: "https://one/a.tar.gz,https://two/b.tar.gz" },
  });
  const { options } = parse({ "bundle-url": "https://two/c.tar.gz" }, {}, given);
  expect(options).toMatchObject({ syncUrl: null, operatorsHosts: true });
});

test("the operator's credentials are not shown to others, those that come with the URL are", () => {
  const given = buildSettings({
    allowedPodAnnotations: ["bundle-url", "extra-env"],
    policy: { bundleUrl: "https://one/a.tar.gz" },
    extraEnv: [
      { name: "POLICY_SYNC_CLIENT_TOKEN", value: "secret" },
      { name: "POLICY_SYNC_OAUTH2_CLIENT_SECRET", value: "secret" },
      { name: "POLICY_POLL_MIN_SECONDS", value: "5" },
    ],
  });
  const names = (pod: Record<string, string>) =>
    parse(pod, {}, given).options.extraEnv.map(({ name }) => name);
  expect(names({})).toEqual(given.extraEnv.map(({ name }) => name));
  const elsewhere = { "bundle-url": "https://one/a.tar.gz,https://elsewhere/b.tar.gz" };
  expect(names(elsewhere)).toEqual(["POLICY_POLL_MIN_SECONDS"]);
  const own = `[{"name":"POLICY_SYNC_CLIENT_TOKEN","value":"own"}]`;
  expect(names({ ...elsewhere, "extra-env": own })).toEqual([
    "POLICY_POLL_MIN_SECONDS",
    "POLICY_SYNC_CLIENT_TOKEN",
  ]);
});
