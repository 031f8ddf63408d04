import { expect, test } from "vitest";
import { tokenAudience } from "../../bouncer/src/contract.ts";
import { parseConfig } from "./config.ts";

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
const defaults = {
  port: 8443,
  adminPort: 9090,
  bundleDirectory: "/bundles",
  maxBundleBytes: 16_777_216,
  upstream: { hasDirectory: true, remote: [] },
  pollMs: 30_000,
  upstreamTokenFile: null,
  upstreamCaFile: null,
  s3: { endpoint: null, region: "us-east-1", isPathStyle: true },
  ociCredentialsFile: null,
  tlsDirectory: "/tls",
  authentication: { kind: "tokenreview", audience: tokenAudience, serviceAccountFolder },
  maxConnections: 20_000,
  logLevel: "info",
};

test.each([
  ["nothing set", {}, {}],
  ["empty is unset", { BRIDGE_PORT: "", LOG_LEVEL: "" }, {}],
  [
    "ports, 0 for a free one",
    { BRIDGE_PORT: "0", BRIDGE_ADMIN_PORT: "65535" },
    { port: 0, adminPort: 65_535 },
  ],
  [
    "plain HTTP only when asked for",
    { BRIDGE_PLAIN_HTTP: "true", BRIDGE_TLS_DIRECTORY: "/x" },
    { tlsDirectory: null },
  ],
  [
    "static tokens",
    { BRIDGE_AUTH: "token", BRIDGE_TOKEN_FILE: "/t" },
    { authentication: { kind: "token", file: "/t" } },
  ],
  [
    "another audience",
    { BRIDGE_TOKEN_AUDIENCE: "me" },
    { authentication: { kind: "tokenreview", audience: "me", serviceAccountFolder } },
  ],
  [
    "places elsewhere, with what they need",
    {
      BRIDGE_UPSTREAM: "s3://policies/policy.tar.gz",
      BRIDGE_UPSTREAM_POLL_SECONDS: "5",
      BRIDGE_S3_ENDPOINT: "https://store.example:9000",
      BRIDGE_S3_REGION: "eu",
      BRIDGE_S3_PATH_STYLE: "false",
    },
    {
      upstream: {
        hasDirectory: false,
        remote: [
          {
            kind: "s3",
            name: "policy.tar.gz",
            text: "s3://policies/policy.tar.gz",
            bucket: "policies",
            key: "policy.tar.gz",
          },
        ],
      },
      pollMs: 5000,
      s3: { endpoint: new URL("https://store.example:9000"), region: "eu", isPathStyle: false },
    },
  ],
  [
    "what Kubernetes adds for a Service",
    {
      BRIDGE_PORT: "tcp://10.0.0.1:8443",
      BRIDGE_SERVICE_HOST: "10.0.0.1",
      BRIDGE_PORT_8443_TCP: "tcp://10.0.0.1:8443",
      BRIDGE_SERVICE_PORT_HTTPS: "8443",
      BRIDGE_TEST_PORT: "tcp://10.0.0.2:80",
      BRIDGE_TEST_SERVICE_HOST: "10.0.0.2",
      BRIDGE_TEST_PORT_80_TCP_ADDR: "10.0.0.2",
    },
    {},
  ],
  ["variables of others", { PATH: "/bin", BRIDGET: "1" }, {}],
])("accepted: %s", (_name, environment, changed) => {
  expect(parseConfig(environment)).toEqual({ kind: "ok", config: { ...defaults, ...changed } });
});

test.each([
  [
    "port out of range",
    { BRIDGE_ADMIN_PORT: "65536" },
    ['Cannot use BRIDGE_ADMIN_PORT "65536": accepted is a TCP port, 0 to 65535'],
  ],
  [
    "unknown name",
    { BRIDGE_PROT: "1" },
    ["Cannot use BRIDGE_PROT: there is no variable of this name"],
  ],
  [
    "token without file",
    { BRIDGE_AUTH: "token" },
    ['Cannot use BRIDGE_AUTH "token" without BRIDGE_TOKEN_FILE'],
  ],
  [
    "all at once",
    {
      BRIDGE_AUTH: "none",
      LOG_LEVEL: "loud",
      BRIDGE_PLAIN_HTTP: "1",
      BRIDGE_MAX_BUNDLE_BYTES: "0",
    },
    [
      'Cannot use BRIDGE_MAX_BUNDLE_BYTES "0": accepted is bytes, 1 to 1073741824',
      'Cannot use BRIDGE_PLAIN_HTTP "1": accepted is "true" or "false"',
      'Cannot use BRIDGE_AUTH "none": accepted is "tokenreview" or "token"',
      'Cannot use LOG_LEVEL "loud": accepted is "trace", "debug", "info", "warn", "error" or "fatal"',
    ],
  ],
])("refused: %s", (_name, environment, problems) => {
  expect(parseConfig(environment)).toEqual({ kind: "invalid", problems });
});
