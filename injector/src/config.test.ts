import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.ts";

const required = {
  INJECTOR_NAMESPACE: "bouncer-system",
  INJECTOR_SERVICE: "bouncer-injector",
  INJECTOR_WEBHOOK_CONFIGURATION: "bouncer-injector",
  INJECTOR_TLS_SECRET: "bouncer-injector-tls",
};

test("the defaults, with what is required and nothing else", () => {
  expect(parseConfig({ ...required, PATH: "/usr/bin", INJECTOR_PORT: "" })).toEqual({
    kind: "ok",
    config: {
      namespace: "bouncer-system",
      service: "bouncer-injector",
      webhookConfiguration: "bouncer-injector",
      tlsSecret: "bouncer-injector-tls",
      bridge: null,
      clusterDomain: "cluster.local",
      port: 8443,
      adminPort: 9090,
      settingsFile: "/etc/bouncer-injector/settings.yaml",
      drainDelayMs: 5000,
      drainTimeoutMs: 10_000,
      events: true,
      lease: "bouncer-injector",
      reconcileIntervalMs: 60_000,
      evictUnprotected: false,
      evictionsPerInterval: 1,
      serviceAccountFolder: "/var/run/secrets/kubernetes.io/serviceaccount",
      logLevel: "info",
    },
  });
});

test("a bridge has a Service and a Secret", () => {
  const bridge = { INJECTOR_BRIDGE_SERVICE: "bridge", INJECTOR_BRIDGE_TLS_SECRET: "bridge-tls" };
  expect(parseConfig({ ...required, ...bridge })).toMatchObject({
    config: { bridge: { service: "bridge", tlsSecret: "bridge-tls" } },
  });
});

test("all problems are told at once", () => {
  const result = parseConfig({ INJECTOR_NAMESPACE: "Bouncer", INJECTOR_PROT: "1", LOG_LEVEL: "x" });
  expect(result).toEqual({
    kind: "invalid",
    problems: [
      "Cannot use INJECTOR_PROT: there is no variable of this name",
      'Cannot use INJECTOR_NAMESPACE "Bouncer": accepted is the name of a namespace',
      "Cannot start without INJECTOR_SERVICE: accepted is the name of a Service",
      "Cannot start without INJECTOR_WEBHOOK_CONFIGURATION: accepted is the name of a MutatingWebhookConfiguration",
      "Cannot start without INJECTOR_TLS_SECRET: accepted is the name of a Secret",
      'Cannot use LOG_LEVEL "x": accepted is "trace", "debug", "info", "warn", "error" or "fatal"',
    ],
  });
});

describe("refused", () => {
  test.each([
    { name: "INJECTOR_PORT", value: "65536" },
    { name: "INJECTOR_PORT", value: "8443/tcp" },
    { name: "INJECTOR_ADMIN_PORT", value: "-1" },
    { name: "INJECTOR_CLUSTER_DOMAIN", value: "cluster local" },
    { name: "INJECTOR_DRAIN_DELAY_SECONDS", value: "601" },
    { name: "INJECTOR_DRAIN_TIMEOUT_SECONDS", value: "1.5" },
    { name: "INJECTOR_EVENTS", value: "yes" },
    { name: "INJECTOR_LEASE", value: "Lease" },
    { name: "INJECTOR_RECONCILE_INTERVAL_SECONDS", value: "86401" },
    { name: "INJECTOR_EVICT_UNPROTECTED", value: "1" },
    { name: "INJECTOR_EVICTIONS_PER_INTERVAL", value: "0" },
    { name: "INJECTOR_BRIDGE_SERVICE", value: "bridge" },
    { name: "INJECTOR_BRIDGE_TLS_SECRET", value: "bridge-tls" },
  ])("$name=$value", ({ name, value }) => {
    const result = parseConfig({ ...required, [name]: value });
    expect(result).toMatchObject({ kind: "invalid" });
    expect(JSON.stringify(result)).toContain(`${name} \\"${value}\\"`);
  });
});

test("the variables of Services named injector and injector-bridge are not ours", () => {
  const links = {
    INJECTOR_PORT: "tcp://10.96.0.7:443",
    INJECTOR_SERVICE_HOST: "10.96.0.7",
    INJECTOR_BRIDGE_SERVICE_PORT_HTTPS: "8443",
    INJECTOR_BRIDGE_PORT: "tcp://10.96.0.8:8443",
  };
  expect(parseConfig({ ...required, ...links })).toMatchObject({ config: { port: 8443 } });
});
