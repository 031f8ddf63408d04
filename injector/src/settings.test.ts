import { expect, test } from "vitest";
import { parseSettings, settingsSchema } from "./settings.ts";

test("an empty file is all defaults", () => {
  const parsed = parseSettings(null);
  expect(parsed).toEqual(parseSettings({}));
  expect(parsed).toMatchObject({
    ok: true,
    settings: {
      image: null,
      imagePullPolicy: "IfNotPresent",
      preset: "small",
      presets: {
        small: {
          requests: { cpu: "50m", memory: "64Mi" },
          limits: { cpu: "100m", memory: "128Mi" },
        },
        medium: {
          requests: { cpu: "100m", memory: "128Mi" },
          limits: { cpu: "200m", memory: "256Mi" },
        },
        large: {
          requests: { cpu: "200m", memory: "256Mi" },
          limits: { cpu: "500m", memory: "512Mi" },
        },
        xlarge: {
          requests: { cpu: "500m", memory: "512Mi" },
          limits: { cpu: "1", memory: "1Gi" },
        },
      },
      nativeSidecar: "auto",
      allowOptOut: true,
      unlistedPorts: "deny",
      policy: {
        bundleUrl: null,
        syncUrl: null,
        decisionPath: "envoy/authz/allow",
        syncCa: null,
        verification: null,
        refuseOlder: false,
        persist: true,
        evaluation: { timeoutMs: null, memoryMiB: null },
        decisionTimeoutMs: null,
        http: { allow: null, deny: null },
      },
      audit: { enabled: true, destination: "stdout" },
      extraEnv: [],
    },
  });
});

test("all problems are reported, each with its field, value and what is accepted", () => {
  const parsed = parseSettings({
    imgae: "x",
    Image: "y",
    preset: "tiny",
    policy: { bundleUrl: "bridge/policy.tar.gz", sync: "wss://bridge", verification: {} },
    cacheTtl: -1,
    trustedProxies: ["everyone"],
    extraEnv: [{ name: "POLICY_SYNC_URL", value: "wss://elsewhere" }],
    presets: { small: { requests: { cpu: "lots", memory: "64Mi" } } },
  });
  expect(parsed.ok ? [] : parsed.problems).toMatchInlineSnapshot(`
    [
      "preset: "tiny" is not one of small, medium, large, xlarge",
      "presets.small.requests.cpu: "lots" is not a CPU quantity such as "100m", "1" or "0.5"",
      "presets.small.limits: missing",
      "policy.bundleUrl: "bridge/policy.tar.gz" is not an absolute URL with https:// or http://, or a comma-separated list of them whose last segments differ",
      "policy.verification.key: missing",
      "policy: unknown sync; accepted are bundleUrl, syncUrl, decisionPath, syncCa, verification, refuseOlder, persist, evaluation, decisionTimeoutMs, http",
      "cacheTtl: -1 is not a whole number from 0 to 86400",
      "trustedProxies.0: "everyone" is not an address or a CIDR such as "10.0.0.0/8" or "fd00::/8"",
      "extraEnv.0.name: "POLICY_SYNC_URL" is not a variable that the injector does not set itself",
      "the file: unknown imgae, Image; accepted are image, imagePullPolicy, imagePullSecrets, preset, presets, mode, nativeSidecar, revision, allowOptOut, allowedPodAnnotations, alwaysSelector, neverSelector, hostNetwork, unlistedPorts, excludedPorts, excludedSourceCidrs, degradedRoutes, shadow, ignoredNamespaces, policy, cacheTtl, drainDelaySeconds, logLevel, logFormat, audit, trustedProxies, via, longLivedStreams, threads, extraEnv",
    ]
  `);
});

test("the token of an external bridge, OpenTelemetry's variables and where policies may connect to may be set", () => {
  const extraEnv = [
    {
      name: "POLICY_SYNC_CLIENT_TOKEN",
      valueFrom: { secretKeyRef: { name: "bridge", key: "token" } },
    },
    { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "http://collector:4318" },
    { name: "POLICY_HTTP_ALLOW", value: "*.shop.svc.cluster.local" },
  ];
  expect(parseSettings({ extraEnv })).toMatchObject({ ok: true, settings: { extraEnv } });
});

test.each([
  "OTEL_ENABLED",
  "POLICY_EVALUATION_TIMEOUT_MS",
  "POLICY_DECISION_TIMEOUT_MS",
  "POLICY_MAX_DELTAS",
  "POLICY_MAX_SET_BYTES",
  "POLICY_POLL_WAIT_SECONDS",
  "POLICY_SYNC_OAUTH2_TOKEN_URL",
  "POLICY_SYNC_CLIENT_CERT_FILE",
  "POLICY_HTTP_DENY",
])("%s may be set", (name) => {
  expect(parseSettings({ extraEnv: [{ name, value: "1" }] })).toMatchObject({ ok: true });
});

test.each([
  "POLICY_VERIFICATION_KEY",
  "POLICY_VERIFICATION_KEYS",
  "POLICY_VERIFICATION_KEYS_FILE",
  "POLICY_VERIFICATION_EXCLUDE_FILES",
  "POLICY_ALLOW_UNSIGNED_DELTAS",
  "POLICY_REFUSE_OLDER",
  "POLICY_PERSIST_DIRECTORY",
  "POLICY_BUNDLE_URL",
  "POLICY_SYNC_CLIENT_TOKEN_FILE",
  "POLICY_SYNC_CA",
  "POLICY_DECISION_PATH",
  "POLICY_DIRECTORY",
  "SHADOW_MODE",
])("%s is not for extraEnv", (name) => {
  const parsed = parseSettings({ extraEnv: [{ name, value: "1" }] });
  expect(parsed).toMatchObject({
    problems: [
      `extraEnv.0.name: "${name}" is not a variable that the injector does not set itself`,
    ],
  });
});

test("keys are not shown, wherever they were written", () => {
  const secret = "correct horse";
  const verifications = [
    secret,
    { key: [secret] },
    { keys: secret },
    { keys: [secret] },
    { keys: [{ keyId: "k", key: { secret } }] },
    { keyId: "k", keys: [{ keyId: "k", key: secret }] },
    { key: secret, keyId: "k", keys: [{ keyId: "k", key: secret }] },
    { key: secret, algorithm: "HS256", secret },
  ];
  for (const verification of verifications) {
    const parsed = parseSettings({ policy: { verification } });
    expect(parsed.ok).toBe(false);
    expect(JSON.stringify(parsed)).not.toContain(secret);
  }
});

test.each([
  ["a string", "text"],
  ["a list", []],
  ["a number", 7],
])("%s is refused", (_, value) => {
  expect(parseSettings(value)).toMatchObject({ ok: false });
});

function get(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

/** Every schema that a field's value goes through: optional, nullable, pipes. */
function layersOf(schema: unknown): unknown[] {
  const pipe = get(schema, "pipe");
  const inner = Array.isArray(pipe) ? pipe : [get(schema, "wrapped")];
  const layers = inner.filter((layer) => layer !== undefined && layer !== schema);
  return [schema, ...layers.flatMap(layersOf)];
}

const isText = (value: unknown): value is string => typeof value === "string";

/** A group is its fields; a value with a default of its own is one field. */
function renderFields(schema: unknown, prefix: string): string[] {
  const entries = layersOf(schema)
    .map((layer) => get(layer, "entries"))
    .find((found) => found !== undefined);
  return Object.entries(entries ?? {}).flatMap(([key, field]: [string, unknown]) => {
    const path = `${prefix}${key}`;
    const doc = layersOf(field)
      .map((layer) => get(layer, "description"))
      .find(isText);
    const fallback = JSON.stringify(get(field, "default"));
    const nested = renderFields(field, `${path}.`);
    const isGroup = nested.length > 0 && fallback === "{}";
    const without = fallback === undefined ? " (required)" : ` (\`${fallback}\`)`;
    const line = `- \`${path}\`${isGroup ? "" : without}${doc === undefined ? "" : `: ${doc}`}`;
    return isGroup || fallback === "null" ? [line, ...nested] : [line];
  });
}

test("the reference is made from the schema", async () => {
  const lines = renderFields(settingsSchema, "");
  expect(lines.length).toBeGreaterThan(25);
  await expect(`# Settings of the injector

What the operator decides: the content of the file that the chart makes from its values, and that the
command line reads with \`--config\`. In parentheses what holds when a field is left out. An unknown key is
refused. Made from \`injector/src/settings.ts\`.

${lines.join("\n")}
`).toMatchFileSnapshot("../../docs/reference/settings.md");
});

test.each([
  [{ mode: "mesh" }, `mode: "mesh" is not one of auto, redirect, service`],
  [{ nativeSidecar: "yes" }, `nativeSidecar: "yes" is not auto, true or false`],
  [
    { revision: "Canary" },
    `revision: "Canary" is not a name of at most 40 lower-case letters, digits and dashes`,
  ],
  [{ allowedPodAnnotations: ["preset"] }, `allowedPodAnnotations.0: "preset" is not one of mode, `],
  [
    { neverSelector: {} },
    `neverSelector: {"matchLabels":{},"matchExpressions":[]} is not a label selector with matchLabels`,
  ],
  [
    { alwaysSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
    `alwaysSelector.matchExpressions.0: {"key":"a","operator":"In","values":[]} is not an expression with values`,
  ],
  [{ hostNetwork: true }, "hostNetwork: true is not skip or deny"],
  [{ excludedPorts: [70_000] }, `excludedPorts.0: "70000" is not a port or a range`],
  [
    { excludedSourceCidrs: ["10.0.0.0/40"] },
    `excludedSourceCidrs.0: "10.0.0.0/40" is not an address`,
  ],
  [{ degradedRoutes: ["/health"] }, `degradedRoutes.0: "/health" is not a method or *`],
  [{ audit: { mode: "best" } }, `audit.mode: "best" is not one of availability, auditability`],
  [
    { audit: { enabled: false, mode: "auditability" } },
    "is not records that are written, where the mode is auditability",
  ],
  [{ audit: { masks: ["input"] } }, `audit.masks.0: "input" is not a JSON pointer`],
  [
    { policy: { bundleUrl: "https://a/p.tar.gz,https://b/p.tar.gz" } },
    "comma-separated list of them whose last segments differ",
  ],
  [{ policy: { bundleUrl: "https://a/p.tar.gz,ftp://b/q" } }, "is not an absolute URL with https"],
  [
    { policy: { verification: { keyId: "k", keys: [{ keyId: "a", key: "b" }] } } },
    `policy.verification.keyId: "k" is not empty, for there is no key that it could be about`,
  ],
  [
    { policy: { verification: { scope: "w", keys: [{ keyId: "a", key: "b" }] } } },
    `policy.verification.scope: "w" is not empty, for there is no key that it could be about`,
  ],
  [
    { policy: { verification: { key: "a", keyId: "k", keys: [{ keyId: "k", key: "b" }] } } },
    "policy.verification.keys: not a key id that only one key has",
  ],
  [
    { policy: { verification: { keys: [{ keyId: "constructor", key: "b" }] } } },
    `policy.verification.keys.0.keyId: "constructor" is not a key id`,
  ],
  [
    { policy: { verification: { keys: [{ keyId: "k", key: "b", algorithm: "none" }] } } },
    `policy.verification.keys.0.algorithm: "none" is not one of RS256`,
  ],
  [{ policy: { verification: { keys: [] } } }, "policy.verification.key: missing"],
  [
    { policy: { evaluation: { timeoutMs: 0 } } },
    "policy.evaluation.timeoutMs: 0 is not a whole number from 1 to 60000",
  ],
  [
    { policy: { evaluation: { memoryMiB: 4096 } } },
    "policy.evaluation.memoryMiB: 4096 is not a whole number from 1 to 2048",
  ],
  [
    { policy: { decisionTimeoutMs: 1.5 } },
    "policy.decisionTimeoutMs: 1.5 is not a whole number from 1 to 600000",
  ],
  [{ policy: { http: { allow: [] } } }, "policy.http.allow: [] is not a list of at least one"],
  [
    { policy: { http: { allow: ["https://a"] } } },
    `policy.http.allow.0: "https://a" is not a name, an address or a CIDR`,
  ],
  [{ policy: { http: { deny: ["a.example"] } } }, `policy.http.deny.0: "a.example" is not an addr`],
  [
    {
      policy: { http: { allow: ["a.example"] } },
      extraEnv: [
        { name: "A", value: "1" },
        { name: "POLICY_HTTP_ALLOW", value: "b.example" },
      ],
    },
    `extraEnv.1.name: "POLICY_HTTP_ALLOW" is not a variable that policy.http.allow does not set as well`,
  ],
])("%j", (given, problem) => {
  const parsed = parseSettings(given);
  expect(parsed.ok ? [] : parsed.problems).toEqual([expect.stringContaining(problem)]);
});
