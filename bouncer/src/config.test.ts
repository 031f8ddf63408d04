import { expect, test } from "vitest";
import { describeConfig, parseConfig } from "./config.ts";
import { table } from "./config/table.ts";
import { formatListeners } from "./contract.ts";

function parsed(env: Record<string, string>) {
  const result = parseConfig(env);
  if (result.kind === "invalid") throw new Error(result.problems.join("; "));
  return result.config;
}

test("the variables of a Service named admin or admin-on-proxy are not ours", () => {
  const env = {
    ADMIN_PORT: "tcp://10.96.0.7:80",
    ADMIN_ON_PROXY_PORT: "tcp://[fd00::7]:80",
  };
  expect(parseConfig(env)).toMatchObject({
    kind: "ok",
    config: { adminPort: 9090, adminOnProxyPort: true },
  });
});

test("every row's default is a value that the row accepts", () => {
  expect(parseConfig({}).kind).toBe("ok");
});

test("without anything set, requests to 8080 go to the application on 3000", () => {
  expect(parsed({}).routes).toEqual([
    {
      port: 8080,
      target: { host: "127.0.0.1", port: 3000 },
      opaque: false,
      protocol: "auto",
      tls: false,
    },
  ]);
});

test("what the injector formats is what the bouncer reads", () => {
  const listeners = [
    { port: 8080, targetPort: 3000 },
    { port: 15001, targetPort: 9000 },
  ];
  const config = parsed({ LISTENERS: formatListeners(listeners), TARGET_HOST: "fd00::7" });
  expect(config.routes).toEqual([
    {
      port: 8080,
      target: { host: "fd00::7", port: 3000 },
      opaque: false,
      protocol: "auto",
      tls: false,
    },
    {
      port: 15001,
      target: { host: "fd00::7", port: 9000 },
      opaque: false,
      protocol: "auto",
      tls: false,
    },
  ]);
  expect(parsed({ LISTENERS: formatListeners([]) }).routes).toEqual([]);
});

test("opaque are the listeners of the ports that are said to be", () => {
  const env = { LISTENERS: "8080:3000,15001:9000,15002:9001", OPAQUE_PORTS: "9000, 9001" };
  expect(parsed(env).routes.map(({ opaque }) => opaque)).toEqual([false, true, true]);
});

test.each([
  [
    { LISTENERS: "8080:3000,15001:9000", OPAQUE_PORTS: "9000,8080" },
    'Cannot use OPAQUE_PORTS "9000,8080": accepted is a comma-separated list of ports, each a "targetPort" of "LISTENERS"',
  ],
  [
    { LISTENERS: "8080:3000", OPAQUE_PORTS: "smtp" },
    'Cannot use OPAQUE_PORTS "smtp": accepted is a comma-separated list of ports, each a "targetPort" of "LISTENERS"',
  ],
  [{ OPAQUE_PORTS: "3000" }, "Cannot use OPAQUE_PORTS without LISTENERS"],
])("opaque ports are those of listeners: %j", (env, problem) => {
  expect(parseConfig(env)).toEqual({ kind: "invalid", problems: [problem] });
});

test("an empty variable is an unset one", () => {
  expect(parsed({ LOG_LEVEL: "", POLICY_SYNC_URL: "" })).toMatchObject({
    logLevel: "info",
    policySyncUrl: null,
  });
});

test.each([
  ["TARGET_URL", "http://[::1]:81", { targetUrl: { host: "::1", port: 81 } }],
  ["TARGET_URL", "http://app", { targetUrl: { host: "app", port: 80 } }],
  ["CACHE_TTL", "0", { cacheTtl: 0 }],
  ["ADMIN_ON_PROXY_PORT", "false", { adminOnProxyPort: false }],
  [
    "TRUSTED_PROXIES",
    "10.0.0.0/8, ::1",
    {
      trustedProxies: [
        { address: "10.0.0.0", family: "ipv4", prefix: 8 },
        { address: "::1", family: "ipv6", prefix: 128 },
      ],
    },
  ],
  ["SHADOW_MODE", "true", { shadowMode: true }],
  [
    "DEGRADED_ROUTES",
    "GET /health, * /static/*,M-SEARCH /%61,GET /a%20b",
    {
      degradedRoutes: [
        { method: "GET", path: "/health", below: false },
        { method: null, path: "/static/", below: true },
        { method: "M-SEARCH", path: "/a", below: false },
        { method: "GET", path: "/a%20b", below: false },
      ],
    },
  ],
  ["AUDIT_MODE", "auditability", { auditMode: "auditability" }],
  [
    "AUDIT_MASKS",
    "/input/attributes/request/http/headers/x-internal, /result/a~1b/0/~01",
    {
      auditMasks: [
        ["input", "attributes", "request", "http", "headers", "x-internal"],
        ["result", "a/b", "0", "~1"],
      ],
    },
  ],
  ["AUDIT_MASKS", "/input", { auditMasks: [["input"]] }],
])("%s accepts %s", (variable, value, expected) => {
  expect(parsed({ [variable]: value })).toMatchObject(expected);
});

test.each([
  ["TARGET_URL", "https://127.0.0.1:3000"],
  ["TARGET_URL", "http://127.0.0.1:3000/path"],
  ["TARGET_URL", "127.0.0.1:3000"],
  ["LISTENERS", "8080"],
  ["LISTENERS", "8080:3000,"],
  ["LISTENERS", "8080:3000,8080:3001"],
  ["LISTENERS", "0:3000"],
  ["LISTENERS", "8080:65536"],
  ["TARGET_HOST", "$(POD_IP)"],
  ["ADMIN_PORT", "99999"],
  ["ADMIN_PORT", "8080"],
  ["ADMIN_ON_PROXY_PORT", "yes"],
  ["POLICY_SYNC_URL", "ftp://bridge"],
  ["POLICY_BUNDLE_URL", "https://user:word@bridge/b.tar.gz"],
  ["POLICY_BUNDLE_URL", "https://a/b.tar.gz,"],
  ["POLICY_BUNDLE_URL", "https://a/b.tar.gz,https://c/b.tar.gz"],
  ["POLICY_BUNDLE_URL", "https://a/,https://c/policy.tar.gz"],
  ["POLICY_VERIFICATION_KEYS", "k1"],
  ["POLICY_VERIFICATION_KEYS", '{"k1":"s3cret"}'],
  ["POLICY_VERIFICATION_EXCLUDE_FILES", "[a"],
  ["POLICY_MAX_FILES", "0"],
  ["POLICY_MAX_BUNDLE_BYTES", "1MiB"],
  ["POLICY_POLL_WAIT_SECONDS", "3601"],
  ["POLICY_SYNC_CLIENT_TOKEN_FILE", "token"],
  ["POLICY_DIRECTORY", "/policies/../etc"],
  ["POLICY_DECISION_PATH", "/envoy/authz/allow"],
  ["POLICY_STORE", "cedar"],
  ["POLICY_VERIFICATION_ALGORITHM", "none"],
  ["CACHE_TTL", "-1"],
  ["CACHE_TTL", "1.5"],
  ["CACHE_TTL", "5s"],
  ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TRUSTED_PROXIES", "10.0.0.0/"],
  ["TRUSTED_PROXIES", "everyone"],
  ["LOG_LEVEL", "loud"],
  ["LOG_FORMAT", "xml"],
  ["AUDIT_LOG_DESTINATION", "http"],
  ["SHADOW_MODE", "on"],
  ["DEGRADED_ROUTES", "/health"],
  ["DEGRADED_ROUTES", "get /health"],
  ["DEGRADED_ROUTES", "G*T /health"],
  ["DEGRADED_ROUTES", "GET health"],
  ["DEGRADED_ROUTES", "GET /health,"],
  ["DEGRADED_ROUTES", "GET /health?full=1"],
  ["DEGRADED_ROUTES", "GET /a/../b"],
  ["DEGRADED_ROUTES", "GET //b"],
  ["DEGRADED_ROUTES", "GET /a%2fb"],
  ["DEGRADED_ROUTES", "GET /a*"],
  ["DEGRADED_ROUTES", "GET /*/b"],
  ["DEGRADED_ROUTES", "GET /*/*"],
  ["DEGRADED_ROUTES", "GET *"],
  ["DEGRADED_ROUTES", "GET http://a/b"],
  ["AUDIT_MODE", "both"],
  ["AUDIT_MASKS", "input/a"],
  ["AUDIT_MASKS", "/request/target"],
  ["AUDIT_MASKS", "/input/"],
  ["AUDIT_MASKS", "/input//a"],
  ["AUDIT_MASKS", "/inputs"],
  ["AUDIT_MASKS", "/input/a~2"],
  ["AUDIT_MASKS", "/input/a,"],
  ["AUDIT_MASKS", "/input/attributes/request/http/headers/X-Internal"],
  ["OTEL_ENABLED", "1"],
  ["ADMIN_TOKEN", "short"],
  ["PROBES", "{"],
])("%s refuses %s and says what it accepts", (variable, value) => {
  const result = parseConfig({ [variable]: value });
  const shown = ["ADMIN_TOKEN", "PROBES", "POLICY_VERIFICATION_KEYS"].includes(variable)
    ? "***"
    : value;
  const problem = `Cannot use ${variable} "${shown}": accepted is `;
  expect(result.kind === "invalid" && result.problems[0]).toContain(problem);
});

test("bundles are listed, each by another name", () => {
  const env = { POLICY_BUNDLE_URL: "https://a/p.tar.gz, http://b/data/teams.tar.gz" };
  expect(parsed(env).policyBundleUrl?.map(({ href }) => href)).toEqual([
    "https://a/p.tar.gz",
    "http://b/data/teams.tar.gz",
  ]);
});

test.each([
  [{ POLICY_POLL_MIN_SECONDS: "60" }, "Cannot use POLICY_POLL_MIN_SECONDS without"],
  [{ POLICY_POLL_MAX_SECONDS: "60" }, "Cannot use POLICY_POLL_MAX_SECONDS without"],
  [
    { POLICY_POLL_MIN_SECONDS: "60", POLICY_POLL_MAX_SECONDS: "59" },
    'Cannot use POLICY_POLL_MAX_SECONDS "59": accepted is what is not less than',
  ],
  [
    { POLICY_SYNC_CLIENT_CERT_FILE: "/a" },
    "Cannot use POLICY_SYNC_CLIENT_CERT_FILE without POLICY_SYNC_CLIENT_KEY_FILE",
  ],
  [
    { POLICY_SYNC_OAUTH2_TOKEN_URL: "https://a/token" },
    "Cannot use POLICY_SYNC_OAUTH2_TOKEN_URL without POLICY_SYNC_OAUTH2_CLIENT_ID",
  ],
  [
    { POLICY_VERIFICATION_KEYS: '{"a":{"key":"x"}}', POLICY_VERIFICATION_KEYS_FILE: "/a" },
    "Cannot use POLICY_VERIFICATION_KEYS together with POLICY_VERIFICATION_KEYS_FILE",
  ],
])("%j do not go together", (env, problem) => {
  const result = parseConfig(env);
  expect(result.kind === "invalid" && result.problems.join("\n")).toContain(problem);
});

test("all problems are reported together", () => {
  const result = parseConfig({
    LOG_LEVEL: "loud",
    CACHE_TTL: "soon",
    TARGET_URL: "http://app",
    LISTENERS: "8080:3000",
    POLICY_SYNC_CLIENT_TOKEN: "a",
    POLICY_SYNC_CLIENT_TOKEN_FILE: "/b",
    PROBES: "[]",
    POLICY_VERIFICATION_SCOPE: "write",
  });
  expect(result).toEqual({
    kind: "invalid",
    problems: [
      'Cannot use CACHE_TTL "soon": accepted is a whole number of seconds from 0 to 86400; 0 switches the cache off',
      'Cannot use LOG_LEVEL "loud": accepted is "trace", "debug", "info", "warn", "error", "fatal" or "silent"',
      "Cannot use TARGET_URL together with LISTENERS",
      "Cannot use POLICY_SYNC_CLIENT_TOKEN together with POLICY_SYNC_CLIENT_TOKEN_FILE",
      "Cannot use PROBES without ADMIN_TOKEN",
      "Cannot use POLICY_VERIFICATION_SCOPE without POLICY_VERIFICATION_KEY",
    ],
  });
});

test.each([
  ["auditability", "false", ["Cannot use AUDIT_MODE without ENABLE_AUDIT_LOG"]],
  ["auditability", "true", null],
  ["availability", "false", null],
])("AUDIT_MODE=%s with ENABLE_AUDIT_LOG=%s", (mode, enabled, problems) => {
  const result = parseConfig({ AUDIT_MODE: mode, ENABLE_AUDIT_LOG: enabled });
  expect(result.kind === "invalid" ? result.problems : null).toEqual(problems);
});

const probe = {
  container: "app",
  field: "livenessProbe",
  timeoutSeconds: 1,
  action: { kind: "http", scheme: "http", port: 3000, path: "/live", headers: [] },
};

test.each([
  ["an http probe", [probe], true],
  ["a tcp probe", [{ ...probe, action: { kind: "tcp", port: 3000 } }], true],
  ["a grpc probe", [{ ...probe, action: { kind: "grpc", port: 3000, service: "" } }], true],
  ["the same field twice", [probe, probe], false],
  ["an unknown field", [{ ...probe, field: "exec" }], false],
  ["an unknown action", [{ ...probe, action: { kind: "exec" } }], false],
  ["a container that could leave its path segment", [{ ...probe, container: "../x" }], false],
])("PROBES with %s", (_name, probes, ok) => {
  const env = { PROBES: JSON.stringify(probes), ADMIN_TOKEN: "0123456789abcdef" };
  expect(parseConfig(env).kind === "ok").toBe(ok);
});

test("secrets are masked when the configuration is shown", () => {
  const secrets = Object.values(table).filter(({ about }) => about.secret === true);
  const env = Object.fromEntries(
    secrets.map(({ about }) => [about.name, "hunter2-hunter2-hunter2"]),
  );
  const shown = describeConfig(env);
  expect(secrets.length).toBeGreaterThan(2);
  expect(JSON.stringify(shown)).not.toContain("hunter2");
  expect(shown).toMatchObject({ ADMIN_TOKEN: "***", LOG_LEVEL: "info" });
});
